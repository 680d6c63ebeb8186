import os
import resource

import pytest

from occreid.gallery import Gallery
from occreid.gallery.errors import StorageError
from occreid.gallery.writable import check_writable


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path):
    (tmp_path / "people.lance" / "data").mkdir(parents=True)
    check_writable(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"people.lance", "data"}


def test_a_disk_that_takes_nothing_is_found(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            check_writable(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not any(tmp_path.iterdir())


def test_a_folder_below_that_may_not_be_written_is_found(tmp_path, monkeypatch):
    (tmp_path / "people.lance" / "data").mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda place, mode: os.path.basename(place) != "data")  # root may all
    with pytest.raises(PermissionError, match="data"):
        check_writable(tmp_path)


def test_a_gallery_says_that_it_cannot_be_written_and_keeps_nothing_of_the_try(tmp_path, monkeypatch):
    with Gallery.create(str(tmp_path / "g"), dim=8, metric="cosine", weights_hash="w" * 64) as gallery:
        before = {path for path in (tmp_path / "g").rglob("*")}
        gallery.check_writable()
        assert {path for path in (tmp_path / "g").rglob("*")} - {tmp_path / "g/write.lock"} == before

        def read_only(_):
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr("occreid.gallery.lance.check_writable", read_only)
        with pytest.raises(StorageError, match=r"cannot write the gallery .*Read-only"):
            gallery.check_writable()
