import json

import numpy as np
import pytest
from PIL import Image

from occreid.cli.gallery import moment
from occreid.errors import UserError

pytest.importorskip("lancedb")


def test_pictures_of_a_folder_are_added_once(gallery_cli, door, crops):
    uri, run = door
    words = ["gallery", "add", uri, "--model", run, "--pictures", crops, "--camera", 3, "--batch", 7]
    added = json.loads(gallery_cli(*words, "--time", "2026-03-01T08:00", "--tag", "door", "--json"))
    assert added == {"added": 18, "known": 0}
    assert "added 0, known already 18" in gallery_cli(*words)
    stats = json.loads(gallery_cli("gallery", "stats", uri, "--json"))
    assert (stats["entries"], stats["persons"], stats["cameras"]) == (18, 0, {"3": 18})
    assert stats["tags"] == {"door": 18} and stats["earliest"] == stats["latest"] == moment("2026-03-01T08:00+00:00")
    text = gallery_cli("gallery", "stats", uri)
    assert "18 entries of 0 known persons" in text and "2026-03-01 08:00 UTC" in text and "tag door: 18" in text


def test_a_benchmark_and_its_descriptors_are_the_same_entries(gallery_cli, door, market, tmp_path):
    uri, run = door
    on = ["--on", f"market1501={market}", "--option", "strict=false"]
    assert "added 18" in gallery_cli("gallery", "add", uri, "--model", run, *on)
    gallery_cli("extract", run, *on, "--out", tmp_path / "d")
    again = gallery_cli("gallery", "add", uri, "--descriptors", tmp_path / "d" / "gallery")
    assert "added 0, known already 18" in again
    assert "added 6," in gallery_cli(
        "gallery", "add", uri, "--descriptors", tmp_path / "d" / "query", "--keep-pictures"
    )
    assert json.loads(gallery_cli("gallery", "stats", uri, "--json"))["persons"] == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "not clear what to add"),
        (["--model", "run"], "not clear what to add"),
        (["--model", "run", "--descriptors", "d"], "not clear what to add"),
        (["--descriptors", "nowhere/gallery"], "no file nowhere/extraction.json"),
    ],
)
def test_mistakes_are_named(gallery_cli, door, words, message):
    with pytest.raises(UserError, match=message):
        gallery_cli("gallery", "add", door[0], *words)


def test_a_benchmark_has_three_parts(gallery_cli, door, market):
    uri, run = door
    with pytest.raises(UserError, match="no part 'galery'"):
        gallery_cli("gallery", "add", uri, "--model", run, "--on", f"market1501={market}", "--part", "galery")


def test_persons_of_scenes_are_added_with_camera_and_place(gallery_cli, door, tmp_path):
    uri, run = door
    pixels = np.full((120, 200, 3), 128, np.uint8)
    pixels[40:100, 10:30] = (220, 30, 30)
    Image.fromarray(pixels).save(tmp_path / "street.png")
    rows = [{"file": "street.png", "x": 10, "y": 40, "width": 20, "height": 60}]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    words = ["gallery", "add", uri, "--model", run, "--scenes", tmp_path / "street.png", "--device", "cpu"]
    words += ["--detector", tmp_path / "boxes.json"]
    assert "added 1, known already 0" in gallery_cli(*words)
    assert "added 0, known already 1" in gallery_cli(*words)
    assert json.loads(gallery_cli("gallery", "stats", uri, "--json"))["cameras"] == {"street": 1}
    found = json.loads(gallery_cli("search", uri, tmp_path / "street.png", "--model", run, "--json"))
    assert found[0]["hits"][0]["path"].endswith("street.png#xywh=10,40,20,60")
    with pytest.raises(UserError, match="no person was found"):
        gallery_cli(*words, "--smallest", 100)
