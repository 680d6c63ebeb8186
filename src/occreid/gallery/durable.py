"""What a power cut may not take away: files that a writer added to a folder, flushed to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from occreid.files import flush_to_disk


class Flusher:
    """Flushes what is new in a folder since the last time; files are told apart by place, inode, size and time.

    Lance never changes a file that it has written, it only adds and removes files.

    Args:
        folder: with all folders below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: set[tuple[str, str]] = set()

    def flush(self) -> None:
        """Return when every file and every name is on the disk.

        Raises:
            OSError: the disk refuses.
        """
        found = set(_inside(self._folder))
        new = {Path(name) for name, _ in found - self._done}
        for file in sorted(new):
            flush_to_disk(file)
        for folder in sorted({file.parent for file in new} | {file.parent.parent for file in new}):
            flush_to_disk(folder)
        self._done = found


def _inside(folder: Path | str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as places:
        for place in places:
            if place.is_dir(follow_symlinks=False):
                yield from _inside(place.path)
            else:
                found = place.stat(follow_symlinks=False)
                yield place.path, str((found.st_ino, found.st_size, found.st_mtime_ns))
