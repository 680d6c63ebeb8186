"""What is the disk's or the server's fault and not the caller's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from occreid.errors import UserError

_PAUSES = (0.05, 0.2, 0.5)  # seconds between attempts to read
Result = TypeVar("Result")


class StorageError(UserError):
    """The place a gallery lies in cannot be read or written; the message is for whoever runs it, it names the place."""


def read_whole(read: Callable[[], Result]) -> Result:
    """What a reading gives that goes through many rows; begun anew where a deletion takes files away below it.

    Raises:
        StorageError: they cannot be read, or change again and again.
    """
    for pause in _PAUSES:
        try:
            return read()
        except StorageError:
            time.sleep(pause)
    return read()


class StorageFull(StorageError):
    """Something could not be written: the disk is full or refuses. What was there is as it was."""

    done = "nothing was done."
    """What was done before, for whoever asked for it."""
