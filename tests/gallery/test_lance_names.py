"""A gallery in a folder as version 1 left it: persons and cameras are numbers on disk."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.gallery import Change, Entry, Filter, Gallery, Manifest, StorageFull
from occreid.gallery.rows import schema, to_table

QUERY = Descriptors(torch.ones(1, 4))


@pytest.fixture
def old(tmp_path):
    """Five entries of persons 0, 0, 1, 1, 2; of cameras 0 … 4, that of the second not known."""
    lancedb = pytest.importorskip("lancedb")
    folder = tmp_path / "old"
    manifest = Manifest(4, 1, "cosine", "w", format=1)
    entries = [Entry(torch.ones(4), id=f"{i}", pid=i // 2, camid=None if i == 1 else i) for i in range(5)]
    rows = to_table(entries, manifest, 1.0)
    for name, number in (("person", "pid"), ("camera", "camid")):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, number, rows.column(name).cast(pa.int64()))
    table = lancedb.connect(str(folder)).create_table("people", schema=rows.schema.with_metadata(None))
    table.add(rows)
    facts = json.loads(manifest.to_json())
    del facts["flip_test"]
    (folder / "gallery.json").write_text(json.dumps(facts))
    return str(folder)


def found(gallery, **filter):
    return {(hit.id, hit.pid, hit.camid) for hit in gallery.search(QUERY, 9, Filter(**filter))[0]}


@pytest.mark.parametrize("memory", [0, 2**20])
def test_numbers_are_read_as_names_and_nothing_is_written(old, tmp_path, memory):
    before = {file: file.read_bytes() for file in (tmp_path / "old").rglob("*") if file.is_file()}
    with Gallery.open(old, memory=memory) as gallery:
        assert found(gallery, camids=(2, 3)) == {("2", "1", "2"), ("3", "1", "3")}
        assert found(gallery, camids=("door",)) == set() and len(found(gallery, exclude_camid=4)) == 4
        assert gallery.get(["1"])[0].camid is None and gallery.get(["4"])[0].pid == "2"
        assert gallery.stats().cameras == {"0": 1, "2": 1, "3": 1, "4": 1} and gallery.verify().sound
        gallery.probe()
        assert gallery.search(QUERY, 2, Filter(camids=(3,)), exact=False)[0][0].id == "3"
    after = {file: file.read_bytes() for file in before}
    assert after == before


def test_the_first_new_entry_gives_it_names_and_other_readers_see_them(old):
    with Gallery.open(old) as gallery, Gallery.open(old) as reader:
        found(reader)
        gallery.add([Entry(torch.ones(4), id="new", pid="zoe", camid="door")])
        assert gallery.manifest.format == json.loads(Path(old, "gallery.json").read_text())["format"] == 2
        for one in (gallery, reader, Gallery.open(old)):
            assert found(one, camids=("door", 3)) == {("new", "zoe", "door"), ("3", "1", "3")}
        assert reader.add([Entry(torch.ones(4), id="newer", camid="hall")]).added == 1
        gallery.delete(filter=Filter(camids=(3,)))
        gallery.compact()
        assert gallery.stats().cameras == {"0": 1, "2": 1, "4": 1, "door": 1, "hall": 1} and gallery.verify().sound


def test_a_change_leaves_no_number_behind(old):
    with Gallery.open(old) as gallery, Gallery.open(old) as reader:
        found(reader)
        assert gallery.update({"3": Change(pid="", camid="hall")}) == 1
        for one in (gallery, reader):
            assert found(one, camids=("hall",)) == {("3", None, "hall")} and len(found(one)) == 5
        gallery.compact()
        kept = gallery._store._table.to_arrow().select(["id", "pid", "camid"]).to_pylist()
        assert {row["id"]: (row["pid"], row["camid"]) for row in kept}["3"] == (None, None)
        assert gallery.verify().sound


def test_an_upgrade_cut_short_is_gone_on_with(old, monkeypatch):
    from occreid.gallery import lance_names

    with Gallery.open(old) as gallery, monkeypatch.context() as cut:
        cut.setattr(lance_names, "write_file", lambda *_: (_ for _ in ()).throw(OSError("cut")))
        with pytest.raises(StorageFull, match="cut"):
            gallery.add([Entry(torch.ones(4), id="new", camid="door")])
    with Gallery.open(old) as gallery:
        assert gallery.add([Entry(torch.ones(4), id="new", camid="door")]).added == 1
        assert len(found(gallery, camids=("door", 0))) == 2
    assert schema(gallery.manifest).field("camera").type == pa.string()
