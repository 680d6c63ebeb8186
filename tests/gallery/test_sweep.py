"""What deletion leaves on the disk, whatever the clock says."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import torch

from occreid.gallery import Entry, Gallery, lance
from occreid.gallery.errors import StorageError
from occreid.gallery.sweep import sweep

pytest.importorskip("lancedb")
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, now);
    if (which == CLOCK_REALTIME) now->tv_sec += atol(getenv("SHIFT"));
    return code;
}
"""
DELETE = """
import sys
from occreid.gallery import Gallery
with Gallery.open(sys.argv[1]) as gallery:
    gallery.delete(ids=sys.argv[2:])
    gallery.compact()
    print(len(gallery), gallery.verify().sound)
"""


def entry(number):
    generator = torch.Generator().manual_seed(number)
    return Entry(
        torch.randn(8, generator=generator), id=f"PERSON-{number}-OF-THE-HALL", picture=f"JPEG{number}!".encode() * 9
    )


def traces(folder, number):
    """Files that hold the id, the picture or the descriptor of an entry."""
    one = entry(number)
    needles = (one.id.encode(), one.picture, one.features.numpy().tobytes())
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if any(needle in file.read_bytes() for needle in needles)]


@pytest.fixture
def folder(tmp_path):
    """Twenty entries in two commits, with an index of ids that knows the first half."""
    with Gallery.create(str(tmp_path / "g"), dim=8, metric="cosine", weights_hash="w") as gallery:
        gallery.add([entry(number) for number in range(10)])
        gallery.compact()
        gallery.add([entry(number) for number in range(10, 20)])
    return tmp_path / "g"


@pytest.mark.parametrize("gone", [[3], [3, 13], list(range(20))])
def test_versions_of_the_future_are_swept_too(folder, monkeypatch, gone):
    monkeypatch.setattr(lance, "_AT_ONCE", timedelta(days=1))  # Lance then keeps what a clock set back shows as young
    with Gallery.open(str(folder)) as gallery:
        assert all(traces(folder, number) for number in gone)
        gallery.delete(ids=[entry(number).id for number in gone])
        gallery.compact()
        assert [number for number in range(20) if traces(folder, number)] == [n for n in range(20) if n not in gone]
        assert gallery.verify().sound and len(gallery) == 20 - len(gone)
        gallery.add([entry(30)])
        assert gallery.known([entry(30).id])


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_was_moved_keeps_nothing(folder, tmp_path, days):
    (tmp_path / "clock.c").write_text(CLOCK)
    made = [str(tmp_path / name) for name in ("clock.so", "clock.c")]
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", *made, "-ldl"], check=True)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    clock = {"LD_PRELOAD": made[0], "SHIFT": str(days * 86400), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DELETE, str(folder), entry(4).id, entry(14).id]
    found = subprocess.run(command, env={**os.environ, **clock}, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["18", "True"]
    assert not traces(folder, 4) and not traces(folder, 14) and traces(folder, 5) and traces(folder, 15)


def test_without_the_newest_manifest_nothing_is_deleted(folder):
    files = sorted(folder.rglob("*"))
    with pytest.raises(StorageError, match="does not hold its version 99"):
        sweep(folder, 99)
    assert sorted(folder.rglob("*")) == files
