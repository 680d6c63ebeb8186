import gc
import os
import re
import subprocess
import sys
import weakref

import pytest

from occreid.serve import memory

GLIBC = "glibc" in memory._libc()
ARENAS = """
import ctypes, sys, threading
from occreid.serve.memory import share_arenas

if sys.argv[1] == "shared":
    assert share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)

def hold():
    together.wait()
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=hold) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""

FREED = """
import ctypes
from pathlib import Path
from occreid.serve import memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])
before = resident()
places = [libc.malloc(10_000) for _ in range(10_000)]
for place in places:
    ctypes.memset(place, 1, 10_000)
for place in places[:-1]:  # the last keeps the heap from shrinking by itself
    libc.free(place)
held = resident() - before
memory.give_back()
print(held, resident() - before)
"""


@pytest.mark.skipif(not GLIBC, reason="the arenas are glibc's")
@pytest.mark.parametrize("how", ["alone", "shared"])
def test_threads_share_two_arenas(how):
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run(
        [sys.executable, "-c", ARENAS, how], env=environment, capture_output=True, text=True, check=True
    )
    arenas = len(re.findall("<heap nr=", done.stdout))
    assert arenas == 2 if how == "shared" else arenas > 2


def test_what_the_environment_says_stays(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert not memory.share_arenas()


@pytest.mark.parametrize("error", [AttributeError, ValueError])
def test_other_libraries_are_left_alone(monkeypatch, error):
    def confstr(name):
        raise error(name)

    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setattr(memory.os, "confstr", confstr, raising=False)
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    assert not memory.share_arenas()


def test_what_only_refers_to_itself_is_freed_and_what_was_loaded_is_not_looked_at():
    class Thing:
        pass

    memory.settle()
    try:
        frozen, thing = gc.get_freeze_count(), Thing()
        thing.me, left = thing, weakref.ref(thing)
        del thing
        assert frozen > 1000 and left() is not None
        memory.give_back()
        assert left() is None
    finally:
        gc.unfreeze()


@pytest.mark.skipif(not GLIBC, reason="the allocator is glibc's")
def test_free_pages_go_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    held, left = (int(number) for number in done.stdout.split())
    assert left < held / 4  # pages of 100 MiB
