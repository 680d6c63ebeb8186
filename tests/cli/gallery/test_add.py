import json

import pytest

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
        (["--pictures", "crops"], "not clear what to add"),
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
