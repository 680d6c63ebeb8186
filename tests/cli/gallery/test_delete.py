import json

import pytest

from occreid.data.images import read_image
from occreid.gallery.kept import kept_picture

pytest.importorskip("lancedb")


def test_entries_are_deleted_verified_and_compacted(gallery_cli, door, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops, "--time", "2026-01-01")
    assert "18 entries, sound" in gallery_cli("gallery", "verify", uri)
    assert "deleted 0" in gallery_cli("gallery", "delete", uri, "--before", "2026-01-01")
    assert json.loads(gallery_cli("gallery", "delete", uri, "--before", "2026-01-01T00:01", "--json"))["deleted"] == 18
    assert json.loads(gallery_cli("gallery", "verify", uri, "--json")) == {"sound": True, "entries": 0, "problems": []}
    assert "compacted" in gallery_cli("gallery", "compact", uri)


def test_bytes_that_were_left_go_with_the_next_deletion(gallery_cli, door, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops, "--keep-pictures", "--time", "2026-01-01")
    picture = kept_picture(read_image(min(crops.iterdir())))

    def kept():
        return any(picture in file.read_bytes() for file in uri.rglob("*") if file.is_file())

    assert "deleted 18" in gallery_cli("gallery", "delete", uri, "--before", "2026-01-02", "--no-compact")
    assert "deleted 0" in gallery_cli("gallery", "delete", uri, "--before", "2026-01-02", "--no-compact") and kept()
    assert "deleted 0" in gallery_cli("gallery", "delete", uri, "--before", "2026-01-02") and not kept()
