import json
import shutil

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import stress
from occreid.cli.groups import add
from occreid.data.masks.files import write_mask
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    add(app, stress)
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


def test_masks_are_marked_as_an_oracle_and_kept_apart(make_run, market, tmp_path):
    for image in (*(market / "query").iterdir(), *(market / "bounding_box_test").iterdir()):
        write_mask(tmp_path / "masks" / image.parent.name / image.name, np.ones((32, 16), np.uint8))
    run, words = make_run(cls="Masked"), ("--kinds", "flat:top", "--levels", "0,0.5")
    masked = (*words, "--option", "strict=false", "--option", f"test_masks={tmp_path / 'masks'}")
    told = call(run, *masked, "--out", tmp_path / "with").stdout
    assert "run (oracle)" in told and "ORACLE: masks that leave out what the stress hides" in told
    summary = json.loads((tmp_path / "with" / "summary.json").read_text())
    assert summary["run"]["oracle"] == "masks that leave out what the stress hides"
    assert json.loads((tmp_path / "with" / "run.json").read_text())["about"]["test_masks"] == str(tmp_path / "masks")
    with pytest.raises(UserError, match="other weights, data or options"):
        call(run, *words, "--out", tmp_path / "with")
    plain = call(run, *words, "--out", tmp_path / "without").stdout
    assert "oracle" not in plain.lower() and "test_masks" not in (tmp_path / "without" / "run.json").read_text()


def test_runs_trained_on_other_data_are_not_drawn_together(make_run, market, tmp_path):
    shutil.copytree(market, tmp_path / "market")
    next((tmp_path / "market" / "query").glob("0010*")).unlink()
    run, other = make_run(), make_run("other")
    card = json.loads((other / "model.json").read_text())
    card["recipe"]["data"]["root"] = str(tmp_path / "market")
    (other / "model.json").write_text(json.dumps(card))
    words = ("--kinds", "flat", "--levels", "0", "--out", tmp_path / "out")
    with pytest.raises(UserError, match=r"other was trained on another benchmark than .*query: market1501, 5 images"):
        call(run, other, *words)
    rows = call(run, other, "--on", f"market1501={market}", "--option", "strict=false", *words).stdout.splitlines()
    assert rows[1].split()[1:] == rows[2].split()[1:]


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
