"""One run gives one set of numbers, to the last digit, wherever it is asked."""

import json
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid import measure
from occreid.cli import ablate, evaluate, extract, report, stress
from occreid.cli import data as data_group
from occreid.cli.groups import add
from occreid.data import load_benchmark
from occreid.demo.entries import network_entries
from occreid.models import load_model
from occreid.report import page
from occreid.training import load_recipe

LADDER = """
recipe: {recipe}
seeds: [3]
metrics: [mAP, R-1, R-2]
rows:
  - {{name: one}}
"""
RECIPE = """
method: {{name: baseline, options: {{backbone: resnet10t, pretrained: none}}}}
data: {{name: market1501, root: {root}, options: {{strict: false}}, height: 32, width: 16, p: 2, k: 2, workers: 0}}
schedule: {{name: constant}}
training: {{epochs: 1, accelerator: cpu, seed: 3, evaluate_every: 1}}
evaluation: {{ap: trapezoid, shots: single, draws: 7, ranks: [1, 2], same_camera: keep, batch_size: 5}}
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Twelve test persons of nearly one colour, in Market-1501's layout; three images from each of two cameras."""
    root, rng = tmp_path_factory.mktemp("data") / "market", np.random.default_rng(0)
    for part, pids in (
        ("bounding_box_train", range(1, 5)),
        ("query", range(5, 17)),
        ("bounding_box_test", range(5, 17)),
    ):
        (root / part).mkdir(parents=True)
        for pid in pids:
            for camera in (1,) if part == "query" else (1, 2):
                for shot in range(1 if part == "query" else 3):
                    pixels = np.clip(100 + 3 * pid + rng.normal(0, 25, (32, 16, 3)), 0, 255).astype(np.uint8)
                    number = f"{pid * 10 + shot + (5 if part == 'query' else 0):06d}"
                    Image.fromarray(pixels).save(root / part / f"{pid:04d}_c{camera}s1_{number}_00.png")
    return root


def call(*words):
    app = typer.Typer()
    for group in (ablate, evaluate, extract, report, stress, data_group):
        add(app, group)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def ladder(market, tmp_path_factory):
    """A ladder of one row, made; its folder."""
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "recipe.yaml").write_text(RECIPE.format(root=market))
    (folder / "one.ablate.yaml").write_text(LADDER.format(recipe=folder / "recipe.yaml"))
    call("ablate", folder / "one.ablate.yaml", "--out", folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def run(ladder):
    return ladder / "one" / "seed-3"


@pytest.fixture(scope="module")
def result(run):
    return json.loads((run / "result.json").read_text())["benchmarks"][0]


def test_the_run_was_tested_by_the_protocol_of_its_recipe(result, run, market):
    asked = {"ap": "trapezoid", "shots": "single", "draws": 7, "seed": 3, "same_camera": "keep", "ranks": [1, 2]}
    assert asked.items() <= result["protocol"].items()
    split, model = load_benchmark("market1501", market, strict=False), load_model(run)
    scores = measure(model, split, device="cpu").scores()
    assert scores == result["scores"] and 0 < scores["mAP"] < 1
    for field, value in (("ap", "step"), ("shots", "multi"), ("seed", 0), ("same_camera", "junk"), ("draws", 8)):
        text = call("evaluate", run, "--device", "cpu", "--json", f"--{field.replace('_', '-')}", value)
        assert json.loads(text)[0]["scores"]["mAP"] != scores["mAP"], f"{field} makes a difference here"


def test_evaluate(result, run, tmp_path):
    (found,) = json.loads(call("evaluate", run, "--device", "cpu", "--json"))
    assert found["scores"] == result["scores"] and found["protocol"] == result["protocol"]
    call("extract", run, "--device", "cpu", "--out", tmp_path / "d")
    (saved,) = json.loads(call("evaluate", tmp_path / "d", "--json"))
    assert saved["scores"] == result["scores"] and saved["protocol"] == result["protocol"]


def test_report(result, run, tmp_path, monkeypatch):
    entries = []
    monkeypatch.setattr(page, "_same_protocol", entries.extend)
    call("report", run, "--device", "cpu", "--shown", 1, "--out", tmp_path / "page.html", "--quiet")
    scores = entries[0].ranking.scores()
    assert {name: scores[name] for name in result["scores"]} == result["scores"]


def test_stress(result, run, tmp_path):
    call("stress", run, "--device", "cpu", "--kinds", "flat", "--levels", "0,0.5", "--out", tmp_path)
    clean = json.loads((tmp_path / f"{run.name}.json").read_text())["points"]["clean"]
    assert (clean["mean_ap"], clean["rank1"]) == (result["scores"]["mAP"], result["scores"]["R-1"])


def test_demo(result, run, market):
    split = load_benchmark("market1501", market, strict=False)
    trained, _ = network_entries(run, load_recipe(run / "recipe.yaml"), split)
    assert trained.ranking.scores() == result["scores"]


def test_anonymize(result, run, market, tmp_path, monkeypatch):
    shown, module = {}, sys.modules["occreid.cli.data.anonymize"]  # its name is also that of the command
    monkeypatch.setattr(module, "print_results", lambda rows: shown.update(dict(rows)))
    (tmp_path / "keypoints.json").write_text('{"images": [], "annotations": []}')
    words = ("--option", "strict=false", "--keypoints", tmp_path / "keypoints.json", "--cost", run, "--device", "cpu")
    call("data", "anonymize", market, "--name", "market1501", *words)
    assert shown["with heads"].scores() == shown["without"].scores() == result["scores"]


def test_ablate(result, ladder):
    rows = [line.split(",") for line in (ladder / "runs.csv").read_text().splitlines()]
    assert {row[3]: row[4] for row in rows[1:]} == {k: f"{100 * v:.4f}" for k, v in result["scores"].items()}
