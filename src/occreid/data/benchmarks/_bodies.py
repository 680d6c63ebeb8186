"""The layout of the small occluded and partial sets: one folder per kind of image, nested by id or flat."""

from __future__ import annotations

from pathlib import Path

from occreid.data.walk import images_under
from occreid.errors import UserError
from occreid.records import Record

OCCLUDED, PARTIAL, WHOLE = "occluded_body_images", "partial_body_images", "whole_body_images"
QUERY_CAMERA, GALLERY_CAMERA = 0, 1
"""These sets know no cameras. Query and gallery get one each, so that no camera filter drops a match; the number
of an image is not a camera (one toolbox took it for one and lost matches)."""


def read_bodies(folder: Path, camid: int, occluded: bool | None, skipped: list[Path]) -> tuple[Record, ...]:
    """The records under a folder, sorted by path: ``001_02.tif``, ``001.jpg``, ``001/001_02.tif`` or ``001/02.jpg``.

    Args:
        folder: holds the images, or folders of ids.
        camid: the camera of all of them.
        occluded: what the benchmark says of all of them.
        skipped: files whose names hold no id, or another than their folder, are added to it.

    Raises:
        UserError: no image, or none with an id.
    """
    records: list[Record] = []
    misnamed: list[Path] = []
    for path in images_under(folder):
        pid = _pid(path, folder)
        if pid is None:
            misnamed.append(path)
        else:
            records.append(Record(path, pid, camid, occluded, camera=""))
    if not records:
        raise UserError(
            f"no image in {folder} has an id in its name; the first is {misnamed[0].name}.", "Expected e.g. 001_02.tif."
        )
    skipped += misnamed
    return tuple(records)


def _pid(path: Path, folder: Path) -> int | None:
    """The id before the name's first ``_``, which a numbered folder around the image must not contradict."""
    prefix, underscore, _ = path.stem.partition("_")
    inside = path.relative_to(folder).parts[:-1]
    if inside and inside[-1].isdecimal():
        pid = int(inside[-1])
        return pid if not underscore or (prefix.isdecimal() and int(prefix) == pid) else None
    return int(prefix) if prefix.isdecimal() else None
