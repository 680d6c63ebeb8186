import json

import pytest

from occreid.errors import UserError

pytest.importorskip("lancedb")


def test_a_snapshot_comes_back_and_overwrites_nothing(gallery_cli, door, crops, tmp_path):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops)
    assert "18 entries" in gallery_cli("gallery", "snapshot", uri, tmp_path / "s")
    assert json.loads(gallery_cli("gallery", "restore", tmp_path / "s", tmp_path / "back", "--json"))["entries"] == 18
    assert "18 entries, sound" in gallery_cli("gallery", "verify", tmp_path / "back")
    with pytest.raises((UserError, AssertionError), match="not empty"):
        gallery_cli("gallery", "restore", tmp_path / "s", uri)
