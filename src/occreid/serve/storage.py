"""Reading a gallery that others rewrite, and writing to one whose disk may be full."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from occreid.errors import UserError
from occreid.serve.audit import StorageFull

Result = TypeVar("Result")
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds


def steadily(read: Callable[[], Result]) -> Result:
    """Read again where a compaction, perhaps another process's, took the files away in the middle.

    Raises:
        OSError, RuntimeError: what the last of six attempts ended in.
    """
    for pause in _PAUSES:
        try:
            return read()
        except (OSError, RuntimeError):
            time.sleep(pause)
    return read()


@contextmanager
def storing() -> Iterator[None]:
    """Tell a place that cannot be written from a mistake of the asker's.

    Raises:
        StorageFull: the gallery's `UserError` came from the disk or the database.
    """
    try:
        yield
    except UserError as error:
        if isinstance(error.__cause__, OSError | RuntimeError):
            raise StorageFull(str(error)) from error
        raise
