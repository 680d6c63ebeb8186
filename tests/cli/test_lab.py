import json

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import lab
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    lab.register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["clever-hans", *map(str, words)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_run_is_asked_on_what_it_was_trained_on(make_run, tmp_path):
    run, sheet = make_run(), tmp_path / "sheet.png"
    text = call(run, "--trials", 12, "--sheet", sheet)
    assert text.startswith("market1501: Clever Hans score ") and "12 trials" in text
    with Image.open(sheet) as shown:
        assert shown.width > 300
    (row,) = json.loads(call(run, "--trials", 12, "--json"))
    assert 0 <= row["interval"][0] <= row["score"] <= row["interval"][1] <= 1
    assert row["benchmark"] == "market1501" and row["trials"] == 12 and row["share"] == 0.4
    assert json.loads(call(run, "--trials", 12, "--json"))[0] == row


def test_mistakes_are_named(make_run, tmp_path):
    run = make_run()
    with pytest.raises(UserError, match="no folder of occluders"):
        call(run, "--occluders", tmp_path / "none")
    with pytest.raises(UserError, match="out of range"):
        call(run, "--share", 0.95)
