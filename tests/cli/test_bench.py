import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import bench as command
from occreid.cli.groups import add
from occreid.errors import UserError

TOY = "toy_module:Toy"
QUICK = ("--rounds", "1", "--warmup", "0", "--device", "cpu")


@pytest.fixture
def run(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "models"))

    def call(*arguments):
        app = typer.Typer()
        add(app, command)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


def test_models_are_timed_against_another(run, tmp_path):
    out = tmp_path / "sub/speed.json"
    result = run(TOY, "--against", f"{TOY} dim=64", "--batch-size", "2,3", "--out", out, *QUICK)
    assert result.exit_code == 0, result.output
    assert f"× {TOY} dim=64" in result.stdout
    content = json.loads(out.read_text())
    assert content["against"] == f"{TOY} dim=64"
    assert [(line["name"], line["batch_size"]) for line in content["lines"]] == [
        (name, size) for size in (2, 3) for name in (TOY, f"{TOY} dim=64")]  # fmt: skip


def test_a_list_is_one_command(run, tmp_path):
    file = tmp_path / "t.bench.yaml"
    file.write_text(f"title: Table I\npaper: img/s on a GPU\nmodels: [{{name: toy, method: '{TOY}', paper: 12}}]")
    result = run(file, *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "Table I (img/s on a GPU)"
    assert "paper images/s" in result.stdout


def test_a_size_for_all(run):
    result = run(TOY, "--size", "32x24", "--json", *QUICK)
    assert json.loads(result.stdout)["lines"][0]["size"] == [32, 24]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "32"), "--size 32 is not HxW"),
        (("--size", "axb"), "For example: --size 256x128"),
        (("--batch-size", "0"), "--batch-size 0 holds a number below 1"),
        (("--clock", "sun"), "there is no clock 'sun'"),
        (("--device", "warp"), "there is no device 'warp'"),
    ],
)
def test_mistakes_are_said(run, arguments, words):
    result = run(TOY, *arguments)
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)


def test_an_out_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run(TOY, "--out", tmp_path / "file/x.json", *QUICK)
    assert isinstance(result.exception, UserError)
