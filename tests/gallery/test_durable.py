import os
from pathlib import Path

import pytest

from occreid.gallery import Gallery
from occreid.gallery.durable import Flusher

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@pytest.fixture
def flushed(monkeypatch):
    """Names of what was flushed to the disk, in order."""
    names, real = [], os.fsync

    def fsync(file):
        names.append(os.readlink(f"/proc/self/fd/{file}"))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


def test_new_files_and_their_folders_are_flushed_once(tmp_path, flushed):
    flusher = Flusher(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("x")
    flusher.flush()
    assert flushed[0] == str(tmp_path / "a" / "b") and {str(tmp_path), str(tmp_path / "a")} <= set(flushed)
    flushed.clear()
    flusher.flush()
    assert flushed == []
    (tmp_path / "a" / "b").unlink()
    (tmp_path / "a" / "new").write_text("another")
    (tmp_path / "a" / "new").rename(tmp_path / "a" / "b")  # another file of that name
    flusher.flush()
    assert flushed[0] == str(tmp_path / "a" / "b")


def test_every_commit_is_on_the_disk_before_its_method_returns(tmp_path, people, flushed):
    gallery = Gallery.create(str(tmp_path / "g"), dim=8, metric="cosine", weights_hash="w" * 64)
    gallery.add(people(2))
    gallery.keep_on_disk()
    for change in (
        lambda: gallery.add(people(4)[2:]),
        lambda: gallery.delete(ids=["p0000"]),
        gallery.compact,
    ):
        flushed.clear()
        change()
        there = {str(file) for file in (tmp_path / "g").rglob("*.manifest")}
        newest = min(there)  # they are numbered downwards
        assert newest in flushed and str(Path(newest).parent) in flushed
    assert {str(file) for file in (tmp_path / "g").rglob("data/*")} <= set(flushed)
