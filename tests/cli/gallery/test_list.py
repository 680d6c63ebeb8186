import json

import pytest

pytest.importorskip("lancedb")


def test_entries_are_listed_page_after_page(gallery_cli, door, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops, "--camera", "front door", "--tag", "x")
    first = json.loads(gallery_cli("gallery", "list", uri, "--limit", 10, "--json"))
    second = json.loads(gallery_cli("gallery", "list", uri, "--limit", 10, "--after", first["next"], "--json"))
    ids = [entry["id"] for entry in first["entries"] + second["entries"]]
    assert len(ids) == 18 and ids == sorted(ids) and second["next"] is None
    assert first["entries"][0]["camid"] == "front door" and first["entries"][0]["tags"] == ["x"]
    text = gallery_cli("gallery", "list", uri, "--limit", 1)
    assert ids[0] in text and "camera front door" in text and "time unknown" in text
    assert gallery_cli("gallery", "list", uri, "--camera", "back door").strip() == ""


def test_a_person_is_deleted_by_name(gallery_cli, door, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops)
    assert "deleted 0" in gallery_cli("gallery", "delete", uri, "--person", "nobody")
