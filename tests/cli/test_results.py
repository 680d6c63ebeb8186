import json

import typer
from typer.testing import CliRunner

from occreid.cli import results
from occreid.cli.groups import add


def invoke(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    add(app, results)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_results_are_added_and_written(tmp_path):
    entry = {
        "benchmark": "occsynth",
        "scores": {"mAP": 0.25, "R-1": 0.5},
        "protocol": {"metric": "cosine", "same_camera": "junk", "ap": "step", "shots": "multi", "draws": 1, "seed": 0,
                     "rerank": None, "ranks": [1]},
        "counts": {"query": {"images": 1}, "gallery": {"images": 2}},
    }  # fmt: skip
    (tmp_path / "run").mkdir()
    (tmp_path / "run/result.json").write_text(json.dumps({"benchmarks": [entry]}))
    words = ("results", tmp_path / "data", "--out", tmp_path / "page.md")
    result = invoke(*words, "--add", tmp_path / "run", "--name", "ssgr")
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path}/page.md" in result.stdout
    assert "| ssgr | 25.0 | 50.0 | 1 |" in (tmp_path / "page.md").read_text()
    assert "needs the name" in str(invoke(*words, "--add", tmp_path / "run").exception)
