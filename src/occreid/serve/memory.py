"""What a long-lived process with many threads keeps of what it has let go."""

from __future__ import annotations

import ctypes
import gc
import os

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2
EVERY = 60.0
"""Seconds between two calls of `give_back`."""


def share_arenas() -> bool:
    """Let all threads share two of glibc's arenas; call it before threads start.

    By default each of up to eight arenas per core keeps what was freed in it, so memory creeps up for hours.

    Returns:
        Whether it was done: not without glibc, nor where the environment sets ``MALLOC_ARENA_MAX``.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "glibc" not in _libc():
        return False
    return ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS) == 1


def settle() -> None:
    """Take what has been loaded for eternal: `give_back` then looks at what requests left alone, and takes moments."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Free what only refers to itself, and give the allocator's free pages back to the system, where that can be."""
    gc.collect()
    if "glibc" in _libc():
        ctypes.CDLL(None).malloc_trim(0)


def _libc() -> str:
    """The C library's name and version, where the system tells."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError):
        return ""
