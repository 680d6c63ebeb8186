import pytest

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
