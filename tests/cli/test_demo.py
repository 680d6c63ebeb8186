import json

import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import demo
from occreid.cli.groups import add
from occreid.demo import run as room
from occreid.demo.plan import Plan

RESULTS = {
    "methods": {
        "trained baseline": {"scores": {"mAP": 0.5, "R-1": 0.25}},
        "colour histograms": {"scores": {"mAP": 0.125, "R-1": 1.0}},
    },
    "data": {"benchmark": "occsynth", "size": "tiny"},
    "kept": ["data"],
    "seconds": {"training": 60.0, "report": 30.0},
}


@pytest.fixture
def asked(monkeypatch):
    """Replaces the demo; the plans it was given."""
    plans = []

    def stand_in(plan, say):
        plans.append(plan)
        say("[1/5] data")
        return RESULTS

    monkeypatch.setattr(room, "run_demo", stand_in)
    return plans


def run_cli(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    add(app, demo)
    return CliRunner().invoke(app, ["demo", *map(str, arguments)])


def test_command_prints_a_table_and_where_the_report_is(asked, tmp_path):
    done = run_cli("--out", tmp_path, "--size", "tiny", "--epochs", 1, "--workers", 0, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert asked == [Plan(tmp_path, "tiny", 3, 1, 0)]
    assert done.stdout.splitlines() == [
        "[1/5] data",
        "occsynth, size tiny, in per cent",
        "                     mAP     R-1",
        "trained baseline   50.00   25.00",
        "colour histograms  12.50  100.00",
        "so small a set shows that everything works, not how well: leave out --size for figures that count",
        "time: data kept, training 60 s, report 30 s; together 1.5 min",
        f"report: {tmp_path / 'report.html'}",
    ]


def test_json_is_all_that_is_on_stdout(asked, tmp_path):
    done = run_cli("--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == RESULTS and "[1/5]" in done.stderr


def test_help_has_an_example_and_nonsense_is_refused():
    assert "occreid demo --out demo" in run_cli("--help").stdout
    assert run_cli("--size", "huge").exit_code == 2
    assert run_cli("--epochs", "0").exit_code == 2
