import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import app
from occreid.errors import UserError
from occreid.gallery import search
from occreid.models import create_model, create_trainable, read_card, save_model

ORGNN = {"backbone": "resnet10t", "oan_backbone": "resnet10t", "pretrained": "none", "dim": 8, "last_stride": 2}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An OR-GNN in its default mode, a parser, a baseline, and six crops."""
    root = tmp_path_factory.mktemp("equip")
    torch.manual_seed(0)
    for name, model in {
        "orgnn": create_model("orgnn", 3, **ORGNN),
        "parser": create_trainable("parser", 1, backbone="resnet10t", pretrained="none", channels=8),
        "baseline": create_model("baseline", 3, backbone="resnet10t", pretrained="none"),
    }.items():
        model.input_size = (64, 32)
        save_model(model, root / name, {"licence": "none"})
    (root / "crops").mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)).save(root / "crops" / f"{number}.png")
    found = run("equip", root / "orgnn", "--masks", root / "parser", "--out", root / "both")
    assert "both: orgnn with masks of parser:" in found
    return root


def run(*words):
    found = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(found.exception, UserError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


def test_the_default_mode_fills_and_searches_a_gallery(place, tmp_path):
    pytest.importorskip("lancedb")
    gallery, crop = tmp_path / "gallery", place / "crops" / "3.png"
    with pytest.raises(UserError, match="needs a mask of every image"):
        run("gallery", "create", gallery, "--model", place / "orgnn")
    run("gallery", "create", gallery, "--model", place / "both")
    run("gallery", "add", gallery, "--model", place / "both", "--pictures", place / "crops", "--device", "cpu")
    found = json.loads(run("search", gallery, crop, "--model", place / "both", "--json", "--device", "cpu"))
    assert len(found[0]["hits"]) == 6
    with pytest.raises(UserError, match="is filled with masks of parser:") as caught:
        run("search", gallery, crop, "--model", place / "orgnn", "--device", "cpu")
    assert "occreid equip" in caught.value.hint


def test_a_folder_is_searched_in_the_default_mode(place):
    hits = search(place / "crops" / "2.png", place / "crops", model=place / "both", top=3)
    assert len(hits) == 3 and {hit.id: hit.distance for hit in hits}["2.png"] < 1e-5  # both have the same neighbours


def test_the_service_describes_and_explains_without_masks_of_its_own(place):
    pytest.importorskip("lancedb")
    from occreid.serve.engine import Engine

    engine = Engine.load(place / "both")
    assert engine.manifest.masks == f"parser:{read_card(place / 'parser')['sha256']}"
    prepared = engine.prepare(np.full((80, 40, 3), 99, np.uint8))
    assert engine.describe([prepared])[0].visibility.shape == (1, 6)
    assert "visible" in engine.explain(prepared)


def test_the_card_is_kept_and_mistakes_are_named(place, tmp_path):
    assert read_card(place / "both")["licence"] == "none"
    assert read_card(place / "both")["sha256"] == read_card(place / "orgnn")["sha256"]
    with pytest.raises(UserError, match="needs no masks"):
        run("equip", place / "baseline", "--masks", place / "parser", "--out", tmp_path / "x")
    with pytest.raises(UserError, match="does not parse people"):
        run("equip", place / "orgnn", "--masks", place / "baseline", "--out", tmp_path / "x")
    with pytest.raises(UserError, match="is not empty"):
        run("equip", place / "orgnn", "--masks", place / "parser", "--out", place / "both")
