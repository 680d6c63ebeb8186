"""Whether a gallery's folder can still be written: a disk may become read-only, or its permissions change, any time."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def check_writable(folder: Path) -> None:
    """Write a few bytes into a folder and take them away again; whether those below it may be written is only asked.

    Raises:
        OSError: something cannot be written.
    """
    part = folder / "writable.part"
    try:
        part.write_bytes(b"writable")
    finally:
        part.unlink(missing_ok=True)
    for place, _, _ in os.walk(folder):
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
