import gc
import inspect

import pytest

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
