import gc
import inspect
import subprocess
import sys

import pytest

from occreid import cli
from occreid.cli.search import search
from occreid.cli.starting import uncollected


def test_the_collector_rests_inside_and_works_again_after_an_error():
    with pytest.raises(KeyError), uncollected():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_search_keeps_its_options():
    assert {"uri", "pictures", "sheet"} <= inspect.signature(search).parameters.keys()


def test_the_end_of_a_command_walks_through_nothing():
    code = (
        "import atexit, gc, sys; from occreid.cli import main; sys.argv = ['occreid', '--version']\n"
        "atexit.register(lambda: sys.stdout.write(str(gc.get_freeze_count() > 1000)))\n"  # runs after what main adds
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("True")


def test_triton_is_cleared_away_as_ever(monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setitem(sys.modules, "triton", None)
    cli._skip_last_walk()
    assert not frozen
    monkeypatch.delitem(sys.modules, "triton")
    cli._skip_last_walk()
    assert frozen
