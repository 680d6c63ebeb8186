"""Masks that lie in a folder of their own: `occreid parse` writes such folders, training and others read them.

An image ``ROOT/query/0001_c1.jpg`` of a benchmark read from ``ROOT`` has its mask at ``FOLDER/query/0001_c1.png``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from occreid.errors import UserError
from occreid.files import sha256_of
from occreid.records import Record


def mask_path(image: Path, root: str | Path, folder: str | Path) -> Path:
    """Where the mask of an image lies.

    Args:
        image: the image file.
        root: the folder the benchmark was read from, or its CSV file.
        folder: the folder of masks.

    Raises:
        UserError: the image is not below ``root``.

    >>> mask_path(Path("data/market/query/a.jpg"), "data/market", "masks").as_posix()
    'masks/query/a.png'
    """
    root = Path(root).expanduser()
    return Path(folder).expanduser() / below(image, root.parent if root.suffix.lower() == ".csv" else root).with_suffix(
        ".png"
    )


def mask_paths(records: Sequence[Record], root: str | Path, folder: str | Path) -> dict[Path, Path]:
    """Image → where its mask lies, of images that have one each; see `mask_path`.

    Raises:
        UserError: an image is not below ``root``, or two would share a mask (``a.bmp`` and ``a.png``).
    """
    return one_each(records, lambda record: mask_path(record.path, root, folder), "would share the mask")


def one_each(records: Sequence[Record], target: Callable[[Record], Path], clash: str) -> dict[Path, Path]:
    """Image → the file that is made of it, where each has its own.

    Args:
        records: whose images.
        target: where an image's file lies.
        clash: what is said of two images that one file would be made of, before its name.

    Raises:
        UserError: there are such two.
    """
    targets: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for record in records:
        file = target(record)
        other = owners.setdefault(file, record.path)
        if other != record.path:
            raise UserError(f"{other} and {record.path} {clash} {file}.", "Rename one of the images.")
        targets[record.path] = file
    return targets


def fingerprint(*sources: Path, also: bytes = b"") -> str:
    """What a mask is made of: the content of files, and perhaps more. Taken before they are read, so that one
    replaced meanwhile is found by the next call.

    Raises:
        UserError: a file cannot be read.
    """
    return hashlib.sha256("".join(map(sha256_of, sources)).encode() + also).hexdigest()


def is_current(mask: Path, made_of: str, *sources: Path) -> bool:
    """Whether a mask is there and was made of these files as they are now.

    A mask that does not say what it was made of (of an earlier version, or of somebody else) counts as current unless
    a file is newer than it: a file that was replaced by an older one is not noticed then.

    Args:
        mask: the file.
        made_of: `fingerprint` of the sources.
        sources: what it would be made of.

    Raises:
        UserError: the mask cannot be read.
    """
    from occreid.data.masks.files import noted_source  # reads pictures, which listing a benchmark should not wait for

    if not mask.is_file():
        return False
    noted = noted_source(mask)
    if noted is not None:
        return noted == made_of
    return all(mask.stat().st_mtime_ns >= source.stat().st_mtime_ns for source in sources)


def below(image: Path, base: Path) -> Path:
    """The image's path relative to a folder. A link below the folder is taken as lying where it stands.

    Raises:
        UserError: the image is not below it.
    """
    for one, other in (
        (os.path.abspath(image), os.path.abspath(base)),
        (os.path.realpath(image), os.path.realpath(base)),
    ):
        if Path(one).is_relative_to(other):
            return Path(one).relative_to(other)
    raise UserError(f"{image} is not below {base}.", "Give the folder that the benchmark is read from.")


def attach_masks(records: Sequence[Record], root: str | Path, folder: str | Path) -> tuple[Record, ...]:
    """The records with their masks from a folder.

    Args:
        records: of a benchmark read from ``root``.
        root: see `mask_path`.
        folder: see `mask_path`.

    Raises:
        UserError: masks are missing (counted, the first ones named, with the command that makes them).
    """
    paths = mask_paths(records, root, folder)
    found = tuple(replace(record, mask=paths[record.path]) for record in records)
    missing = [record for record in found if not (record.mask and record.mask.is_file())]
    if missing:
        names = ", ".join(str(record.path) for record in missing[:3])
        more = ", …" if len(missing) > 3 else ""
        raise UserError(
            f"{len(missing)} of {len(records)} images have no mask in {folder}: {names}{more}.",
            f"Make them with: occreid parse {root} --weights RUN --out {folder}",
        )
    return found


def require_masks(records: Sequence[Record], name: str, root: str | Path) -> None:
    """Raise a `UserError` unless every record carries a mask, with the command that makes masks."""
    without = [record for record in records if record.mask is None]
    if without:
        raise UserError(
            f"{len(without)} of {len(records)} training images of {name} in {root} have no part mask, "
            f"the first is {without[0].path}.",
            f"Make masks with: occreid parse {root} --name {name} --weights RUN --out {str(root).rstrip('/')}-masks, "
            f"then set mask_root to that folder.",
        )


def require_parts(records: Sequence[Record], name: str, looked_at: int = 32) -> None:
    """Raise a `UserError` where masks tell the person from all else but know no parts: 0 and 1 alone.

    Such masks would pass for ones that show nothing but heads.

    Args:
        records: with masks.
        name: of the benchmark, for the message.
        looked_at: how many masks are read, spread evenly over the records.

    Raises:
        UserError: all of these masks hold 0 and 1 only, or one is unreadable.
    """
    from occreid.data.masks.files import read_mask  # reads pictures, which listing a benchmark should not wait for

    step = -(-len(records) // looked_at)
    some = [record.mask for record in records[:: max(step, 1)] if record.mask is not None]
    if some and all(read_mask(mask).max() <= 1 for mask in some):
        raise UserError(
            f"the masks of {name} tell no parts of the body: {len(some)} were looked at and hold 0 and 1 alone, "
            f"the first is {some[0]}.",
            "Masks of 'occreid masks' are for orgnn. Make part masks with: occreid parse",
        )
