import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.annotate.construction import Keypoints, read_keypoints, read_review
from occreid.cli.data.build import build
from occreid.data import load_benchmark
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    app.command()(build)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["build", *map(str, words)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def crops(tmp_path):
    """Eight persons with three legless pictures and six whole ones, and their keypoints."""
    root, images, annotations = tmp_path / "crops", [], []
    root.mkdir()
    for pid in range(8):
        for i in range(9):
            name = f"{pid:04d}_c{i % 3 + 1}_{i}.png"
            rng = np.random.default_rng((pid, i))
            Image.fromarray(rng.integers(0, 256, (32, 16, 3), np.uint8)).save(root / name)
            images.append({"id": len(images), "file_name": name})
            flags = [2] * 11 + [0 if i < 3 else 2] * 6
            annotations.append({"image_id": len(images) - 1, "keypoints": [n for v in flags for n in (1, 1, v)]})
    (tmp_path / "k.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    (root / "notes.txt").write_text("no picture")
    return root


def test_propose_correct_build(crops, tmp_path):
    review, out = tmp_path / "review.csv", tmp_path / "mine"
    said = call(crops, "--keypoints", tmp_path / "k.json", "--review", review)
    assert "72 crops, 24 proposed as occluded (0 without keypoints" in said and str(review.with_suffix(".html")) in said
    assert sum(c.occluded for c in read_review(review)) == 24
    review.write_text(review.read_text().replace("0000_c1_0.png,0000,1,true", "0000_c1_0.png,0000,1,false"))
    said = call(crops, "--review", review, "--out", out, "--train-share", 0.25, "--query-share", 0.5)
    assert "query         4 persons" in said and "train         2 persons" in said
    split = load_benchmark("folder", out / "benchmark.csv")
    assert len(split.query) == 4 and all(r.occluded for r in split.query)


def test_corrections_are_not_written_over(crops, tmp_path):
    words = (crops, "--keypoints", tmp_path / "k.json", "--review", tmp_path / "review.csv")
    call(*words)
    call(*words)  # the same proposals again
    corrected = (tmp_path / "review.csv").read_text().replace(",true", ",false", 1)
    (tmp_path / "review.csv").write_text(corrected)
    with pytest.raises(UserError, match="may hold corrections"):
        call(*words)
    assert (tmp_path / "review.csv").read_text() == corrected


def test_crops_without_keypoints_are_candidates(crops, tmp_path):
    held = json.loads((tmp_path / "k.json").read_text())
    held["annotations"] = held["annotations"][:-5]
    (tmp_path / "k.json").write_text(json.dumps(held))
    said = call(crops, "--keypoints", tmp_path / "k.json", "--review", tmp_path / "r.csv")
    assert "29 proposed as occluded (5 without keypoints among them)" in said


def test_a_detector_proposes_and_is_asked_once(crops, tmp_path, monkeypatch):
    asked, opened = [], []

    def find(image):
        asked.append(image)
        return None if len(asked) <= 10 else Keypoints(((1.0, 1.0),) * 17, (len(asked) <= 12,) * 17)

    monkeypatch.setattr(
        "occreid.annotate.keypoint_model.open_keypoint_model",
        lambda weights, device: opened.append((weights, str(device))) or find,
    )
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"some weights")
    words = (crops, "--detector", weights, "--review", tmp_path / "r.csv", "--device", "cpu")
    said = call(*words)
    file = tmp_path / "r.keypoints.json"
    assert f"looked for in 72 crops now, 0 were there already: {file}" in said.replace("\n", " ")
    assert "72 crops, 70 proposed as occluded (10 without keypoints among them)" in said
    assert opened == [(str(weights), "cpu")] and len(read_keypoints(file)) == 62
    assert "looked for in 0 crops now, 72 were there already" in call(*words) and len(asked) == 72
    weights.write_bytes(b"other weights of that name")
    with pytest.raises(UserError, match="another detector or of other weights"):
        call(*words)
    call(crops, "--keypoints", file, "--review", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()


def test_a_detector_that_finds_nobody_is_said(crops, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "occreid.annotate.keypoint_model.open_keypoint_model", lambda weights, device: lambda image: None
    )
    with pytest.raises(UserError, match=r"none of the 72 crops.*Is there a person"):
        call(crops, "--detector", "coco", "--review", tmp_path / "r.csv")


def test_crops_of_one_name_are_refused(crops, tmp_path):
    (crops / "more").mkdir()
    (crops / "more/0003_c1_0.png").write_bytes((crops / "0003_c1_0.png").read_bytes())
    with pytest.raises(UserError, match="have the same name"):
        call(crops, "--keypoints", tmp_path / "k.json", "--review", tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("crops",), "give either --keypoints"),
        (("crops", "--keypoints", "k.json", "--out", "mine"), "give either --keypoints"),
        (("crops", "--keypoints", "k.json", "--detector", "coco"), "give either --keypoints"),
        (("crops", "--detector", "coco", "--out", "mine"), "give either --keypoints"),
        (("crops", "--detector", "none.pth"), "no weights none.pth"),
        (("none", "--keypoints", "k.json"), "no folder"),
        (("crops", "--keypoints", "none.json"), "no keypoint file"),
        (("crops", "--out", "mine"), "there is no table"),
    ],
)
def test_mistakes_are_named(crops, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        call(*words, "--review", "review.csv")


def test_keypoints_of_other_pictures(crops, tmp_path):
    (tmp_path / "k.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(UserError, match="none of the 72 crops"):
        call(crops, "--keypoints", tmp_path / "k.json", "--review", tmp_path / "r.csv")
