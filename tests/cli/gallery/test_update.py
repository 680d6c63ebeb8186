"""Names from tables to the gallery, its filters and its changes, as typed."""

import json

import pytest
import typer

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


def test_moments_and_tags_of_a_table_go_into_the_gallery_and_can_be_given_later(gallery_cli, door, crops, tmp_path):
    uri, run = door
    files = sorted(crops.iterdir())[:4]
    table = tmp_path / "seen.csv"
    lines = [f"{file},{('zoe', '')[i % 2]},,2026-03-01T0{i}:00,{'staff' * (i == 0)}" for i, file in enumerate(files)]
    table.write_text("path,pid,camid,timestamp,tags\n" + "\n".join(lines) + "\n")
    add = ["gallery", "add", uri, "--model", run, "--pictures", table, "--camera", "door", "--tag", "first"]
    assert "added 4," in gallery_cli(*add, "--time", "2026-01-01")
    search = ["search", uri, files[0], "--model", run, "--json"]
    hits = json.loads(gallery_cli(*search))[0]["hits"]
    assert {(h["pid"], h["camid"], h["timestamp"]) for h in hits} == {
        (("zoe", None)[i % 2], "door", 1772323200.0 + 3600 * i) for i in range(4)
    }
    assert facts(gallery_cli(*search, "--tag", "staff")) == {("zoe", "door")}
    assert (
        len(json.loads(gallery_cli(*search, "--start", "2026-03-01T01:00", "--end", "2026-03-01T03:00"))[0]["hits"])
        == 2
    )
    table.write_text(f"path,pid,timestamp,tags\n{files[1]},mia,1772400000,late\n")
    assert gallery_cli("gallery", "update", uri, "--pictures", table) == "changed 1\n"
    (hit,) = json.loads(gallery_cli(*search, "--tag", "late"))[0]["hits"]
    assert (hit["pid"], hit["camid"], hit["timestamp"], hit["tags"]) == ("mia", "door", 1772400000.0, ["first", "late"])
    table.write_text(f"path,timestamp\n{files[1]},1772400000000\n")
    with pytest.raises(UserError, match=r"seen\.csv line 2 1772400000000 is not Unix seconds") as error:
        gallery_cli(*add)
    assert "milliseconds" in str(error.value.hint)


def test_what_was_not_found_is_said(gallery_cli, door, crops, monkeypatch):
    uri, run = door
    monkeypatch.setattr(typer, "echo", lambda text, err=False: print(("! " if err else "") + text))
    said = lambda *words: gallery_cli("gallery", "update", uri, *words)  # noqa: E731
    gallery_cli("gallery", "add", uri, "--model", run, "--pictures", crops, "--camera", "hall")
    assert (
        said("--id", "nope", "--camera", "x") == "! note: 1 of 1 entries asked for are not in the gallery.\nchanged 0\n"
    )
    assert "no entry has the camera 'hal'. Did you mean 'hall'?" in said("--where-camera", "hal", "--camera", "x")
    assert said("--where-camera", "hall", "--camera", "x") == "changed 18\n"
    with pytest.raises(UserError, match="the folder nowhere does not exist"):
        said("--pictures", "nowhere", "--camera", "x")
    with pytest.raises(UserError, match="is a file"):
        said("--pictures", sorted(crops.iterdir())[0], "--camera", "x")
