"""Names from tables to the gallery, its filters and its changes, as typed."""

import json

import pytest

from occreid.errors import UserError

pytest.importorskip("lancedb")


@pytest.fixture
def tables(market, tmp_path):
    """Two tables of the same pictures' folder: one knows zoe and mia, the other anna and zoe; cameras are words."""
    files = sorted((market / "bounding_box_test").iterdir())
    written = []
    for name, persons, some in (("a", ("zoe", "mia"), files[:4]), ("b", ("anna", "zoe"), files[4:8])):
        rows = [f"{file},{persons[i // 2]},{('door', 'hall')[i % 2]},gallery" for i, file in enumerate(some)]
        rows += [f"{files[8]},{persons[0]},door,query"]
        written.append(tmp_path / f"{name}.csv")
        written[-1].write_text("path,pid,camid,split\n" + "\n".join(rows) + "\n")
    return written


def facts(text):
    return {(hit["pid"], hit["camid"]) for hit in json.loads(text)[0]["hits"]}


def test_words_of_two_tables_never_become_each_other(gallery_cli, door, tables, crops):
    uri, run = door
    query = sorted(crops.iterdir())[0]
    for table in tables:
        assert "added 4," in gallery_cli("gallery", "add", uri, "--model", run, "--on", f"folder={table}")
    search = ["search", uri, query, "--model", run, "--json", "-k", 20]
    assert facts(gallery_cli(*search)) == {(p, c) for p in ("zoe", "mia", "anna") for c in ("door", "hall")}
    assert {camera for _, camera in facts(gallery_cli(*search, "--camera", "door"))} == {"door"}
    assert {camera for _, camera in facts(gallery_cli(*search, "--exclude-camera", "door"))} == {"hall"}
    assert "person zoe  camera door" in gallery_cli(*search[:-3], "-k", 20)
    stats = json.loads(gallery_cli("gallery", "stats", uri, "--json"))
    assert stats["cameras"] == {"door": 4, "hall": 4} and stats["persons"] == 3


def test_descriptors_on_disk_keep_the_names(gallery_cli, door, tables, tmp_path):
    uri, run = door
    gallery_cli("extract", run, "--on", f"folder={tables[0]}", "--out", tmp_path / "d")
    gallery_cli("gallery", "add", uri, "--descriptors", tmp_path / "d" / "gallery")
    assert json.loads(gallery_cli("gallery", "stats", uri, "--json"))["cameras"] == {"door": 2, "hall": 2}


def test_a_benchmarks_cameras_are_called_as_its_files_call_them(gallery_cli, door, market):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--on", f"market1501={market}", "--option", "strict=false")
    assert json.loads(gallery_cli("gallery", "stats", uri, "--json"))["cameras"] == {"1": 6, "2": 6, "3": 6}


def test_names_and_tags_of_what_is_there_change(gallery_cli, door, tables, crops):
    uri, run = door
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops, "--camera", 3)
    text = gallery_cli("gallery", "update", uri, "--where-camera", 3, "--camera", "north gate", "--add-tag", "outside")
    assert text == "changed 18\n"
    assert json.loads(gallery_cli("gallery", "update", uri, "--on", f"folder={tables[0]}", "--json")) == {"changed": 4}
    found = json.loads(gallery_cli("gallery", "stats", uri, "--json"))
    assert found["cameras"] == {"door": 2, "hall": 2, "north gate": 14} and found["persons"] == 2
    assert found["tags"] == {"outside": 18}
    gallery_cli("gallery", "update", uri, "--pictures", crops, "--time", "2026-03-01T08:00", "--remove-tag", "outside")
    found = json.loads(gallery_cli("gallery", "stats", uri, "--json"))
    assert found["tags"] == {} and found["earliest"] == found["latest"] == 1772352000.0
    for table in tables:
        gallery_cli("gallery", "update", uri, "--on", f"folder={table}", "--time", "")
    rows = json.loads(gallery_cli("gallery", "list", uri, "--json"))["entries"]
    assert [row["timestamp"] for row in rows].count(None) == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--camera", "x"], "not clear which entries to change"),
        (["--id", "a", "--where-tag", "x", "--camera", "y"], "not clear which entries to change"),
        (["--id", "a"], "nothing is to be changed"),
        (["--id", "a", "--time", "soon"], "'soon' is not a moment"),
    ],
)
def test_mistakes_are_named(gallery_cli, door, words, message):
    with pytest.raises(UserError, match=message):
        gallery_cli("gallery", "update", door[0], *words)
