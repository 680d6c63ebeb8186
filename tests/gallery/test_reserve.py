import pytest

from occreid.errors import UserError
from occreid.gallery import Gallery, lance
from occreid.gallery.errors import StorageFull
from occreid.gallery.reserve import Reserve


def test_the_reserve_is_given_up_for_work_on_a_full_disk_and_filled_again(tmp_path):
    reserve = Reserve(tmp_path)
    assert reserve.file.stat().st_size == 8 * 2**20

    def work():
        if reserve.file.exists():
            raise StorageFull("full")
        return 7

    assert reserve.spend_on(work) == 7 and reserve.file.is_file()


def test_what_needs_more_fails(tmp_path):
    def work():
        raise StorageFull("full")

    with pytest.raises(StorageFull):
        Reserve(tmp_path).spend_on(work)


def test_a_disk_without_room_is_no_fault_of_the_work(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left")

    monkeypatch.setattr("os.posix_fallocate", full)
    reserve = Reserve(tmp_path)
    assert reserve.spend_on(lambda: 7) == 7 and not any(tmp_path.iterdir())


def test_a_deletion_whose_note_finds_no_room_spends_the_reserve(tmp_path, people, monkeypatch):
    gallery = Gallery.create(str(tmp_path / "g"), dim=8, metric="cosine", weights_hash="w" * 64)
    gallery.add(people(3))
    real = lance.write_json

    def full(*args, **more):
        if (tmp_path / "g" / "reserve").exists():
            raise UserError("cannot write.", "") from OSError(28, "No space left")
        real(*args, **more)

    monkeypatch.setattr(lance, "write_json", full)
    assert gallery.delete(ids=["p0001"]) == 1 and len(gallery) == 2
    monkeypatch.setattr("os.posix_fallocate", full)
    (tmp_path / "g" / "reserve").touch()
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # not even that helps
    with pytest.raises(StorageFull):
        gallery.delete(ids=["p0002"])
