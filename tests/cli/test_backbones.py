import json

from typer.testing import CliRunner

from occreid.cli import app


def run(*words):
    return CliRunner().invoke(app, ["backbones", *words])


def test_a_table_says_methods_costs_and_weights():
    shown = run("tf_efficientnet_lite0", "--size", "64x32")
    assert shown.exit_code == 0, shown.output
    assert "tf_efficientnet_lite0" in shown.output and "3.4 M" in shown.output and "baseline" in shown.output


def test_the_recipe_gives_the_size():
    rows = json.loads(run("resnet18", "--recipe", "ssgr/market1501", "--json").output)
    smaller = json.loads(run("resnet18", "--json").output)
    assert rows[0]["flops"] > smaller[0]["flops"]


def test_a_size_that_is_none_is_said():
    result = run("resnet18", "--size", "256")
    assert result.exception is not None and "--size 256 is not HxW" in str(result.exception)
