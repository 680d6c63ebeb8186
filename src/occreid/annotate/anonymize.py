"""A copy of a benchmark in which nobody has a head; what could not be found is listed, and left out by default."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.annotate.construction.keypoints import Keypoints, read_keypoints, require_own_names
from occreid.annotate.heads import Fill, head_from_keypoints, head_from_mask, hide
from occreid.annotate.keypoint_model import open_keypoint_model
from occreid.data.images import Pixels, read_image
from occreid.data.masks.files import read_mask
from occreid.data.masks.folders import attach_masks, below, one_each
from occreid.errors import UserError
from occreid.extraction import usable_device
from occreid.files import new_folder
from occreid.records import SPLIT_PARTS, Record, Split

Find = Callable[[Record, Pixels], NDArray[np.bool_] | None]
"""Record and picture → (H, W) True on the head; all False where there is none to see, None where that is unknown."""
Unfound = Literal["skip", "copy"]
REPORT = "anonymized.csv"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each picture; paths are sorted.

    Attributes:
        hidden: a head was found and hidden.
        headless: no head is to be seen.
        unfound: nothing says where the head is.
    """

    hidden: tuple[Path, ...]
    headless: tuple[Path, ...]
    unfound: tuple[Path, ...]


class Anonymizer:
    """Hides heads while pictures are read, for measuring what that costs: an ``alter`` of `occreid.extraction.extract`.

    Args:
        find: where heads are.
        fill: see `Fill`.
    """

    def __init__(self, find: Find, fill: Fill = "grey") -> None:
        self.find = find
        self.fill: Fill = fill

    def __call__(self, image: Pixels, mask: Pixels | None, record: Record) -> tuple[Pixels, Pixels | None]:
        """Picture and mask → picture without head, and the same mask."""
        head = self.find(record, image)
        return (image if head is None else hide(image, head, self.fill)), mask


def find_by_mask(record: Record, image: Pixels) -> NDArray[np.bool_] | None:
    """A `Find` from the record's own part mask."""
    if record.mask is None:
        return None
    return head_from_mask(read_mask(record.mask), *image.shape[:2])


def find_by_keypoints(held: Mapping[str, Keypoints], records: Sequence[Record]) -> Find:
    """A `Find` from keypoints by file name, as `occreid.annotate.construction.read_keypoints` gives them.

    Raises:
        UserError: two of the pictures have one name: the keypoints could be either's.
    """
    require_own_names([record.path for record in records])
    return lambda record, image: head_from_keypoints(held.get(record.path.name), *image.shape[:2])


def find_heads(
    split: Split,
    root: Path,
    *,
    keypoints: Path | None = None,
    masks: str | None = None,
    detector: str | None = None,
    device: str = "auto",
) -> tuple[Find, Split]:
    """A `Find` by one of three ways, and the split with the masks that the second of them takes.

    Args:
        split: the benchmark.
        root: what it was read from.
        keypoints: a file as COCO writes it.
        masks: a folder of part masks, or ``"own"``: those that the benchmark brings.
        detector: weights, see `occreid.annotate.keypoint_model.open_keypoint_model`.
        device: where the detector runs.

    Raises:
        UserError: no way, or more than one; or what it needs is missing.
    """
    if [keypoints, masks, detector].count(None) != 2:
        raise UserError("how should heads be found?", "Give one of --keypoints, --masks and --detector.")
    if keypoints is not None:
        return find_by_keypoints(read_keypoints(keypoints), split.records), split
    if detector is not None:
        model = open_keypoint_model(detector, device=usable_device(device))
        return (lambda record, image: head_from_keypoints(model(image), *image.shape[:2])), split
    if masks != "own":
        parts = {part: attach_masks(getattr(split, part), root, str(masks)) for part in SPLIT_PARTS}
        return find_by_mask, replace(split, **parts)
    if all(record.mask is None for record in split.records):
        raise UserError(f"{split.name} has no part masks of its own.", "Make some with: occreid parse")
    return find_by_mask, split


def anonymize(
    records: Sequence[Record],
    root: Path,
    out: Path,
    find: Find,
    *,
    fill: Fill = "grey",
    unfound: Unfound = "skip",
    tick: Callable[[], None] = lambda: None,
) -> Outcome:
    """Write pictures without heads, in the folders they came from, and a table of what was found.

    JPEG pictures (``.jpg``, ``.jpeg``) are written as JPEG of quality 95, all others as PNG under their old stem. The
    folder appears whole or not at all.

    Args:
        records: whose pictures.
        root: folder they lie in.
        out: new folder.
        find: where heads are.
        fill: how they are hidden.
        unfound: ``"skip"`` leaves pictures out whose head was not found, ``"copy"`` copies them as they are.
        tick: called once per picture.

    Raises:
        UserError: an unreadable picture, one outside ``root``, two that would get one name, or a folder that exists or
            cannot be written.
    """
    names = one_each(records, lambda record: _new_name(record, root), "would both be written as")
    found: dict[str, list[Path]] = {"hidden": [], "no head": [], "not found": []}
    with new_folder(out) as half:
        for record in sorted(records, key=lambda r: str(r.path)):
            image = read_image(record.path)
            head = find(record, image)
            what = "not found" if head is None else "hidden" if head.any() else "no head"
            found[what].append(record.path)
            if head is not None or unfound == "copy":
                _write(half / names[record.path], image if head is None else hide(image, head, fill))
            tick()
        _report(half / REPORT, found, names)
    return Outcome(*(tuple(paths) for paths in found.values()))


def _new_name(record: Record, root: Path) -> Path:
    """Of its copy, relative to the new folder."""
    name = below(record.path, root)
    return name if name.suffix.lower() in (".jpg", ".jpeg", ".png") else name.with_suffix(".png")


def _write(file: Path, image: Pixels) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if file.suffix.lower() != ".png" else []
    _, packed = cv2.imencode(file.suffix.lower(), image[:, :, ::-1], quality)
    file.write_bytes(packed.tobytes())


def _report(file: Path, found: dict[str, list[Path]], names: Mapping[Path, Path]) -> None:
    rows = sorted((names[path].as_posix(), what) for what, paths in found.items() for path in paths)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("path", "head"))
        writer.writerows(rows)
