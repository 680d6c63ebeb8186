from occreid.errors import UserError
from occreid.gallery.errors import StorageError, StorageFull


def test_a_full_disk_is_a_fault_of_storage_and_says_what_was_done():
    error = StorageFull("the disk is full.", "Make room.")
    assert isinstance(error, StorageError) and isinstance(error, UserError)
    assert (error.problem, error.hint, error.done) == ("the disk is full.", "Make room.", "nothing was done.")
    assert not isinstance(UserError("a mistake.", "Mend it."), StorageError)
