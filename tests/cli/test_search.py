import json

import pytest

from occreid.errors import UserError

pytest.importorskip("lancedb")


def test_a_person_is_found_with_filters(gallery_cli, door, market, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--on", f"market1501={market}", "--option", "strict=false")
    picture = sorted(crops.iterdir())[4]
    (found,) = json.loads(gallery_cli("search", uri, picture, "--model", run, "--top", 3, "--json"))
    assert found["hits"][0]["path"] == str(picture) and len(found["hits"]) == 3
    text = gallery_cli("search", uri, picture, picture, "--model", run, "--camera", 2, "-k", 4)
    assert text.count("4 found") == 2 and text.count("camera 2") == 8 and "person 6" in text
    assert "0 found" in gallery_cli("search", uri, picture, "--model", run, "--start", "2026-01-01")
    other = gallery_cli("search", uri, picture, "--model", run, "--exclude-camera", 1, "-k", 18, "--approximate")
    assert "camera 1" not in other and "12 found" in other


def test_a_sheet_that_cannot_be_written_takes_no_answer_away(gallery_cli, door, market, crops, tmp_path):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--on", f"market1501={market}", "--option", "strict=false")
    (tmp_path / "file").write_text("")
    picture = sorted(crops.iterdir())[4]
    with pytest.raises(UserError, match="cannot write the sheet") as refused:
        gallery_cli("search", uri, picture, "--model", run, "--sheet", tmp_path / "file/sheet.png")
    assert "10 found" in refused.value.__notes__[0]
