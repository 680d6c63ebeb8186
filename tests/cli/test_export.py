import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import export as command
from occreid.cli import groups
from occreid.cli.groups import add
from occreid.errors import UserError
from occreid.models import load_model

pytest.importorskip("onnxruntime")


def run(*arguments):
    app = typer.Typer()
    add(app, command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def problem(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_a_run_becomes_a_file_that_runs_elsewhere(make_run):
    folder = make_run()
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert "deviates from PyTorch by at most" in result.stdout
    assert "(6 pictures, batches of 1, 2, 7, 32)" in result.stdout
    loaded = load_model(folder / "model.onnx")
    assert loaded.card["recipe"]["data"]["name"] == "market1501"
    assert loaded.card["sha256"]


def test_int8_comes_with_what_it_costs(make_run):
    folder = make_run()
    result = run(folder, "--int8", "dynamic", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["int8"]
    assert found["file"].endswith("model-int8.onnx")
    assert found["benchmarks"][0]["benchmark"] == "market1501"
    assert set(found["benchmarks"][0]["float32"]) == set(found["benchmarks"][0]["int8"]) >= {"mAP", "R-1"}
    assert 0.9 < found["cosine"] <= 1.001


def test_pictures_of_a_folder_serve_to_compare_on(make_run, tmp_path):
    folder = make_run("bare", recipe=False)
    assert "Give a benchmark" in problem(folder)
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 255, (40, 20, 3)).astype(np.uint8)
        assert cv2.imwrite(str(tmp_path / f"pictures/{number}.png"), picture)
    out = tmp_path / "m.torchscript"
    result = run(folder, "--format", "torchscript", "--images", tmp_path / "pictures", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["images"] == 3
    assert out.is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "onxx"), "Did you mean 'onnx'?"),
        (("--format", "torchscript", "--int8", "static"), "--int8 belongs to --format onnx"),
        (("--int8", "sttic"), "Did you mean 'static'?"),
        (("--format", "safetensors"), "holds its weights as safetensors already"),
        (("--opset", "12"), "opset 12 is not supported"),
        (("--images", "gone"), "there is no folder gone"),
    ],
)
def test_mistakes_are_said(make_run, arguments, words):
    assert words in problem(make_run(), *arguments)


def test_ranges_need_training_pictures_and_that_is_said_before_anything_is_written(make_run, monkeypatch):
    load = groups.load_benchmarks
    monkeypatch.setattr(groups, "load_benchmarks", lambda *given: [replace(s, train=()) for s in load(*given)])
    folder = make_run()
    assert "no training pictures for the ranges" in problem(folder, "--int8", "static")
    assert not (folder / "model.onnx").exists()


def test_an_exported_file_is_evaluated_as_its_run_is(make_run, occreid_cli, tmp_path):
    folder = make_run()
    assert run(folder).exit_code == 0
    for source, out in ((folder, "run.json"), (folder / "model.onnx", "onnx.json")):
        occreid_cli("evaluate", source, "--out", tmp_path / out)
    one, other = (json.loads((tmp_path / out).read_text()) for out in ("run.json", "onnx.json"))
    assert one["queries"]["first_rank"] == other["queries"]["first_rank"]
    assert one["protocol"] == other["protocol"]


def test_a_method_that_needs_masks_is_compared_on_pictures_with_masks(make_run, occreid_cli, market, tmp_path):
    folder = make_run(cls="NeedsMasks")
    assert "--option test_masks=FOLDER" in problem(folder)
    for part in ("query", "bounding_box_test"):
        (tmp_path / "masks" / part).mkdir(parents=True)
        for place, picture in enumerate(sorted((market / part).iterdir())):
            mask = np.full((32, 16), place % 3 > 0, np.uint8)
            assert cv2.imwrite(str(tmp_path / "masks" / part / picture.name), mask)
    with_masks = ("--on", f"market1501={market}", "--option", "strict=false", "--option")
    with_masks += (f"test_masks={tmp_path / 'masks'}",)
    without = problem(folder, *with_masks, "--images", market / "query")
    assert "pictures of --images have no masks" in without and "Leave --images out" in without
    assert "no masks to find ranges" in problem(folder, *with_masks, "--int8", "static")
    assert not (folder / "model.onnx").exists()  # said before anything is written
    result = run(folder, *with_masks, "--int8", "dynamic", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["inputs"] == ["images", "masks"]
    assert "It takes pictures and masks" in run(folder, *with_masks).stdout
    for source, out in ((folder, "run.json"), (folder / "model.onnx", "onnx.json")):
        occreid_cli("evaluate", source, *with_masks, "--out", tmp_path / out)
    one, other = (json.loads((tmp_path / out).read_text()) for out in ("run.json", "onnx.json"))
    assert one["queries"]["first_rank"] == other["queries"]["first_rank"]
