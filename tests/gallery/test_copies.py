import json
import stat
import threading

import pytest

from occreid.errors import UserError
from occreid.gallery import Gallery, restore


@pytest.fixture
def gallery(tmp_path, people):
    made = Gallery.create(str(tmp_path / "g"), dim=8, metric="cosine", weights_hash="w" * 64)
    made.add(people(20))
    return made


def contents(gallery):
    return {e.id: (e.features.tolist(), e.pid, e.tags, e.picture) for e in gallery.page(limit=1000).entries}


def test_what_is_restored_is_what_was_there(gallery, tmp_path, people):
    before = contents(gallery)
    about = gallery.snapshot(tmp_path / "s")
    gallery.add(people(30)[20:])
    gallery.delete(ids=["p0001"])
    assert restore(tmp_path / "s", tmp_path / "back")["entries"] == about["entries"] == 20
    back = Gallery.open(str(tmp_path / "back"))
    assert contents(back) == before and back.verify().sound
    back.add(people(30)[20:])  # it is a gallery like any other
    assert len(back) == 30 and stat.S_IMODE((tmp_path / "back").stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "s").rglob("*") if f.is_file()} == {0o600}


def test_one_taken_while_others_write_is_of_one_moment(gallery, tmp_path, people):
    ended = threading.Event()

    def write():
        other, start = Gallery.open(str(tmp_path / "g")), 20
        while not ended.is_set():
            other.add(people(start + 5)[start:])  # five at a time
            other.delete(ids=[f"p{start:04d}", f"p{start + 1:04d}"])  # and two
            start += 5

    writer = threading.Thread(target=write)
    writer.start()
    for number in range(4):
        about = gallery.snapshot(tmp_path / f"s{number}")
        restore(tmp_path / f"s{number}", tmp_path / f"b{number}")
        back = Gallery.open(str(tmp_path / f"b{number}"))
        assert len(back) == about["entries"] and back.verify().sound
        assert (len(back) - 20) % 3 in (0, 2)  # whole commits only
    ended.set()
    writer.join()


def test_no_snapshot_holds_what_was_deleted(gallery, tmp_path):
    gallery.delete(ids=["p0007"])  # and not compacted
    gallery.snapshot(tmp_path / "s")
    assert b"p0007" not in b"".join(f.read_bytes() for f in (tmp_path / "s").rglob("*") if f.is_file())


def test_nothing_is_overwritten(gallery, tmp_path):
    gallery.snapshot(tmp_path / "s")
    for write in (gallery.snapshot, lambda out: restore(tmp_path / "s", out)):
        with pytest.raises(UserError, match="not empty"):
            write(tmp_path / "g")
    assert len(gallery) == 20


def test_a_snapshot_does_not_lie_in_its_gallery(gallery, tmp_path):
    with pytest.raises(UserError, match="lies in the gallery"):
        gallery.snapshot(tmp_path / "g" / "snapshots" / "s")
    assert not (tmp_path / "g" / "snapshots").exists()


def test_what_is_deleted_just_before_the_copying_is_not_copied(gallery, tmp_path, monkeypatch):
    gallery.delete(ids=["p0001"])
    store, compact = gallery._store, gallery._store.compact
    late = iter([["p0007"]])

    def compact_and_delete():
        compact()
        for ids in late:
            gallery.delete(ids=ids)  # as another process may

    monkeypatch.setattr(store, "compact", compact_and_delete)
    assert gallery.snapshot(tmp_path / "s")["entries"] == 18
    assert b"p0007" not in b"".join(f.read_bytes() for f in (tmp_path / "s").rglob("*") if f.is_file())


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "list"])
def test_a_damaged_one_is_refused_by_name_and_leaves_nothing(gallery, tmp_path, damage):
    gallery.snapshot(tmp_path / "s")
    file = next((tmp_path / "s" / "gallery").rglob("*.lance/data/*"))
    if damage == "changed":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif damage == "missing":
        file.unlink()
    elif damage == "added":
        file = file.with_name("stranger")
        file.touch()
    else:
        file = tmp_path / "s" / "snapshot.json"
        file.write_text(json.dumps({"format": 2}))
    with pytest.raises(UserError, match=file.name):
        restore(tmp_path / "s", tmp_path / "back")
    assert not (tmp_path / "back").exists() and not (tmp_path / "back.part").exists()


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match="occreid gallery snapshot"):
        restore(tmp_path, tmp_path / "back")
