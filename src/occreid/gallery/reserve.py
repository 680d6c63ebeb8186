"""Room on the disk that only deletion may use: freeing space takes some space first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from occreid.gallery.errors import StorageFull

Result = TypeVar("Result")
_BYTES = 8 * 2**20


class Reserve:
    """A file of zeros in a gallery's folder, given up for a moment where the disk is full.

    Args:
        folder: the gallery's.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "reserve"
        self._fill()

    def spend_on(self, work: Callable[[], Result]) -> Result:
        """Do some work; where the disk is full, give the reserve up and do it again, then fill the reserve.

        Raises:
            StorageFull: not even the reserve was enough.
        """
        try:
            return work()
        except StorageFull:
            if not self.file.is_file():
                raise
            self.file.unlink(missing_ok=True)
            return work()
        finally:
            self._fill()

    def _fill(self) -> None:
        """Take the room if it is not held and there is some; a disk without room for it is no fault of the work's."""
        if self.file.is_file() or not hasattr(os, "posix_fallocate"):
            return
        part = self.file.with_name("reserve.part")
        try:
            with part.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _BYTES)
            os.replace(part, self.file)
        except OSError:
            part.unlink(missing_ok=True)
