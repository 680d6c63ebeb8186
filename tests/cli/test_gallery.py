import json

import pytest

from occreid.cli.gallery import moment
from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.gallery.kept import kept_picture

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


def test_other_weights_neither_add_nor_search(gallery_cli, door, make_run, crops):
    uri, _ = door
    other = make_run("other", gain=2.0)
    with pytest.raises(UserError, match="other weights"):
        gallery_cli("gallery", "add", uri, "--model", other, "--pictures", crops)
    with pytest.raises(UserError, match="other weights"):
        gallery_cli("search", uri, sorted(crops.iterdir())[0], "--model", other)


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


def test_a_gallery_that_is_not_sound_gives_exit_code_1(gallery_cli, door, monkeypatch):
    from occreid.gallery import Gallery, VerifyReport

    monkeypatch.setattr(Gallery, "verify", lambda self: VerifyReport(3, ("the id x occurs twice",)))
    text = gallery_cli("gallery", "verify", door[0], code=1)
    assert "the id x occurs twice" in text and "NOT sound" in text


def test_an_index_says_what_it_finds(gallery_cli, door, monkeypatch):
    from occreid.gallery import Gallery

    built = {}
    monkeypatch.setattr(Gallery, "build_index", lambda self, **options: built.update(options))
    monkeypatch.setattr(Gallery, "recall", lambda self, k, queries: 0.875)
    assert "IVF_FLAT finds 87.5% of the 5 nearest" in gallery_cli(
        "gallery", "index", door[0], "--kind", "IVF_FLAT", "--partitions", 4, "--recall-at", 5
    )
    assert built == {"kind": "IVF_FLAT", "partitions": 4, "sub_vectors": None}


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


def test_a_moment_is_named_or_refused():
    assert moment("2026-03-01") == moment("2026-03-01T00:00+00:00") == 1772323200.0
    with pytest.raises(UserError, match="'yesterday' is not a moment"):
        moment("yesterday")
