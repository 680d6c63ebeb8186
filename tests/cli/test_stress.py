import json

import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import stress
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    stress.register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["stress", *map(str, words)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_two_runs_side_by_side_and_resumed(make_run, tmp_path):
    run, out = make_run(), tmp_path / "stress"
    other = run.with_name("other")
    other.symlink_to(run)
    words = (run, other, "--kinds", "flat:top,dark", "--levels", "0,0.5", "--out", out)
    first = call(*words)
    head, *rows = first.stdout.splitlines()
    assert head.split("  ")[0] == "" and "flat, top" in head and "dark" in head and "robustness" in head
    assert rows[0].split()[1:] == rows[1].split()[1:] and rows[1].startswith("other")
    assert "flat:0.5:top on query" in first.stderr and (out / "curves.png").stat().st_size > 5000
    again = call(*words)
    assert again.stderr == "" and again.stdout == first.stdout  # nothing was measured anew
    summary = json.loads(call(*words, "--json").stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    curves = summary["other"]["curves"]
    assert [c["kind"] for c in curves] == ["flat", "dark"]
    assert summary["other"]["robustness"] == pytest.approx(sum(c["area"] for c in curves) / 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kinds", "flt"), "no stress 'flt'"),
        (("--kinds", "flat:up"), "no side 'up'"),
        (("--levels", "0,much"), "not a list of numbers"),
        (("--levels", "0.5,0.1"), "do not rise"),
        (("--stress-on", "all"), "cannot be on"),
    ],
)
def test_mistakes_are_named(make_run, tmp_path, words, message):
    with pytest.raises(UserError, match=message):
        call(make_run(), "--out", tmp_path / "out", *words)


def test_runs_need_names_of_their_own(make_run, tmp_path):
    run = make_run()
    with pytest.raises(UserError, match="same name"):
        call(run, run, "--out", tmp_path / "out")
