import pytest

from occreid.errors import UserError
from occreid.gallery.errors import StorageError, StorageFull, read_whole


def test_a_full_disk_is_a_fault_of_storage_and_says_what_was_done():
    error = StorageFull("the disk is full.", "Make room.")
    assert isinstance(error, StorageError) and isinstance(error, UserError)
    assert (error.problem, error.hint, error.done) == ("the disk is full.", "Make room.", "nothing was done.")
    assert not isinstance(UserError("a mistake.", "Mend it."), StorageError)


def test_what_changes_while_it_is_read_is_read_anew(monkeypatch):
    monkeypatch.setattr("occreid.gallery.errors._PAUSES", (0.0, 0.0))
    left = []

    def read():
        if left.pop():
            raise StorageError("the gallery changed while it was read.", "Try again.")
        return "all"

    left[:] = [False, True, True]
    assert read_whole(read) == "all" and not left
    left[:] = [False, True, True, True]
    with pytest.raises(StorageError):
        read_whole(read)
