"""Which files of a Lance table its newest version needs; all others are deleted, whatever the clock says.

Lance removes versions that are older than now. Where the clock went back, versions of the future stay, and with them
the bytes of deleted rows. The newest manifest names its data files by name and its indexes by the 16 bytes of their
UUID, so a file it does not name belongs to no one: the caller is the only writer, and readers open the newest version.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Collection
from pathlib import Path

from occreid.gallery.errors import StorageError

_LAST = 2**64 - 1  # manifests are numbered downwards, so that the newest is the first of a listing


def sweep(folder: Path, version: int, indexes: Collection[str] | None = None) -> int:
    """Delete what the newest version does not name; how many files and folders those were.

    Args:
        folder: the gallery's.
        version: the newest of the table.
        indexes: UUIDs of the indexes in use, where all are known. A manifest also tells how it came to be, and so
            may name one that it replaced.

    Raises:
        StorageError: the manifest cannot be found or names nothing, so that nothing was deleted.
        OSError: something could not be deleted.
    """
    (table,) = folder.glob("*.lance")
    newest = table / "_versions" / f"{_LAST - version}.manifest"
    if not newest.is_file():
        raise StorageError(f"{table} does not hold its version {version}.", "Was it written by another LanceDB?")
    manifest = newest.read_bytes()
    data = [file for file in (table / "data").glob("*") if file.name.encode() not in manifest]
    unused = [
        place
        for place in (table / "_indices").glob("*")
        if not _names(manifest, place.name) or (indexes is not None and place.name not in indexes)
    ]
    versions = [file for file in newest.parent.glob("*.manifest*") if file != newest]
    logs = [file for file in (table / "_transactions").glob("*") if file.name.encode() not in manifest]
    for place in (*versions, *data, *unused, *logs):
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    return len(versions) + len(data) + len(unused) + len(logs)


def _names(manifest: bytes, name: str) -> bool:
    """Whether an index's folder is named; one whose name is no UUID is left alone."""
    try:
        return uuid.UUID(name).bytes in manifest
    except ValueError:
        return True
