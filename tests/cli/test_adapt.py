import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import app
from occreid.models import create_model, load_model, read_card, save_model


@pytest.fixture
def run(tmp_path):
    model = create_model("baseline", 3, backbone="resnet18", pretrained="none")
    model.input_size = (32, 16)
    save_model(model, tmp_path / "run", {"metrics": {"mAP": 0.5}, "licence": "none"})
    generator = np.random.default_rng(0)
    (tmp_path / "crops" / "door").mkdir(parents=True)
    for number in range(33):
        pixels = generator.integers(0, 256, (32, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "crops" / "door" / f"{number}.png")
    return tmp_path


def test_an_adapted_model_is_a_new_folder_that_says_so(run):
    words = ["adapt", str(run / "run"), str(run / "crops"), "--out", str(run / "mine"), "--device", "cpu"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert "statistics estimated again, on unlabelled pictures (33)" in found.output
    before, after = read_card(run / "run"), read_card(run / "mine")
    assert after["adapted"]["pictures"] == 33 and after["adapted"]["from_sha256"] == before["sha256"]
    assert after["sha256"] != before["sha256"] and "metrics" not in after
    assert after["licence"] == "none" and after["method"] == before["method"]
    picture = torch.rand(1, 3, 32, 16)
    assert not torch.equal(
        load_model(run / "run").describe(picture).features, load_model(run / "mine").describe(picture).features
    )
    again = CliRunner().invoke(app, words)
    assert "is not empty" in str(again.exception)


def test_json(run):
    words = ["adapt", str(run / "run"), str(run / "crops"), "--out", str(run / "m"), "--json", "--device", "cpu"]
    assert json.loads(CliRunner().invoke(app, words).stdout)["layers"] > 10


def test_a_model_with_fixed_statistics_keeps_them(run):
    from occreid.files import write_json

    card = read_card(run / "run")
    write_json(run / "run" / "model.json", {**card, "recipe": {"training": {"keep_statistics": True}}})
    words = ["adapt", str(run / "run"), str(run / "crops"), "--out", str(run / "mine"), "--device", "cpu"]
    refused = CliRunner().invoke(app, words)
    assert "trained with fixed statistics" in str(refused.exception) and not (run / "mine").exists()
    assert CliRunner().invoke(app, [*words, "--statistics"]).exit_code == 0
