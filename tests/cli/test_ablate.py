import csv
import os
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from occreid.cli import ablate as command
from occreid.cli.groups import add
from occreid.errors import UserError

TOYS = Path(__file__).parents[1] / "training"


@pytest.fixture
def ladder(tmp_path, market, monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOYS), str(TOYS.parents[1] / "src")]))
    recipe = {
        "method": {"name": "reid_toys:Toy"},
        "data": {"name": "market1501", "root": str(market), "options": {"strict": False}, "height": 32, "width": 16,
                 "p": 2, "k": 2, "workers": 0},
        "training": {"epochs": 1, "accelerator": "cpu"},
        "evaluation": {"ranks": [1, 2]},
    }  # fmt: skip
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(recipe))
    rows = [{"name": "narrow"}, {"name": "wide", "set": {"method.options.width": 16}}]
    file = tmp_path / "toy.ablate.yaml"
    file.write_text(yaml.safe_dump({"recipe": str(tmp_path / "toy.yaml"), "rows": rows}))
    return file


def run(*arguments):
    app = typer.Typer()
    add(app, command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_ladder_is_trained_into_a_table_and_gone_on_with(ladder, tmp_path):
    out = tmp_path / "out"
    result = run(ladder, "--out", out, "--set", "optimizer.lr=0.01", "--jobs", 2)
    assert result.exit_code == 0, result.output
    assert "| wide | " in result.stdout
    assert f"tables are in {out}" in result.stdout
    with (out / "table.csv").open() as file:
        assert [row["runs"] for row in csv.DictReader(file)] == ["1"] * 4
    again = run(ladder, "--out", out, "--set", "optimizer.lr=0.01")
    assert "2 runs, 2 of them finished already" in again.stdout
    other = run(ladder, "--out", out, "--set", "optimizer.lr=0.02")
    assert isinstance(other.exception, UserError)
    assert "optimizer.lr" in str(other.exception)


def test_a_run_that_fails_gives_exit_code_1_and_its_own_words(ladder, tmp_path):
    result = run(ladder, "--out", tmp_path / "out", "--set", "data.root=gone", "--only", "wide")
    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert "gone" in result.stdout


def test_a_dry_run_prints_the_commands_and_writes_nothing(ladder, tmp_path):
    result = run(ladder, "--out", tmp_path / "out", "--seeds", "3,4", "--dry-run")
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"occreid train {tmp_path}/toy.yaml") for line in lines)
    assert "training.seed=4" in lines[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("seeds", "words"), [("a", "not a list of numbers"), ("1,1", "twice"), ("-1", "below 0")])
def test_seeds_that_are_none(ladder, tmp_path, seeds, words):
    result = run(ladder, "--out", tmp_path / "out", "--seeds", seeds)
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)


def test_the_table_alone(ladder, tmp_path):
    result = run(ladder, "--out", tmp_path / "out", "--table-only")
    assert "No run has finished yet." in result.stdout
