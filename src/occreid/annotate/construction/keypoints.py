"""Which pictures miss a part of the body: keypoints in COCO's form, and the rule of three in a row.

Source: SSGR paper, Section 4: "images that miss at least three sequential key-points" are considered occluded. The
paper does not say along which lines keypoints follow each other; ours are `CHAINS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occreid.errors import UserError, worded
from occreid.files import read_json

NAMES = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""COCO's 17 keypoints in its order."""
CHAINS: dict[str, tuple[int, ...]] = {
    "left side": (0, 5, 11, 13, 15),
    "right side": (0, 6, 12, 14, 16),
    "left arm": (5, 7, 9),
    "right arm": (6, 8, 10),
}
"""Keypoints that follow each other down the body: nose, shoulder, hip, knee, ankle; shoulder, elbow, wrist."""


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Keypoints of the person a crop shows.

    Attributes:
        points: 17 × (x, y) in pixels of the crop, in the order of `NAMES`.
        seen: which of them are seen.
    """

    points: tuple[tuple[float, float], ...]
    seen: tuple[bool, ...]


def missing_run(keypoints: Keypoints | None) -> str | None:
    """The first chain along which three keypoints in a row are not seen, or None where there is none.

    A picture in which no person was found (None) misses all of them.

    >>> whole = Keypoints(((0.0, 0.0),) * 17, (True,) * 17)
    >>> legless = Keypoints(whole.points, (True,) * 11 + (False,) * 6)
    >>> missing_run(whole), missing_run(legless), missing_run(None)
    (None, 'left side', 'left side')
    """
    for name, chain in CHAINS.items():
        run = 0
        for index in chain:
            run = 0 if keypoints is not None and keypoints.seen[index] else run + 1
            if run == 3:
                return name
    return None


def read_keypoints(path: Path, score: float = 0.3) -> dict[str, Keypoints]:
    """Keypoints by file name from COCO's JSON.

    The third number of each keypoint is a visibility (0 not labelled, 1 hidden, 2 seen: seen is 2) where all in
    the file are 0, 1 or 2 and some are 2; else a confidence from 0 to 1. Of several people in a picture the one with
    most keypoints seen counts, of equals the larger box.

    Args:
        path: JSON with ``images`` (id, file_name) and ``annotations`` (image_id, keypoints).
        score: confidence from which a keypoint counts as seen.

    Returns:
        File name without folders → keypoints; pictures without annotation are not in it.

    Raises:
        UserError: no such file, or one that is not in this form.
    """
    hint = "It needs images (id, file_name) and annotations (image_id, keypoints: 17 × x, y, v)."
    held = read_json(path, what="the keypoint file", hint="Give COCO-format JSON.")
    with worded(f"{path} is not COCO keypoint JSON", hint):
        files = {int(i["id"]): Path(str(i["file_name"])) for i in held["images"]}
        annotations = [(int(a["image_id"]), _triples(a["keypoints"]), _area(a)) for a in held["annotations"]]
    require_own_names(files.values())
    names = {number: file.name for number, file in files.items()}
    thirds = {v for _, triples, _ in annotations for _, _, v in triples}
    least = 2.0 if thirds <= {0, 1, 2} and 2 in thirds else score
    best: dict[str, tuple[tuple[int, float], Keypoints]] = {}
    for image, triples, area in annotations:
        if image not in names:
            raise UserError(f"{path} has keypoints of an image {image} that it does not list.", "Repair the file.")
        seen = tuple(v >= least for _, _, v in triples)
        found = Keypoints(tuple((x, y) for x, y, _ in triples), seen)
        rank = (sum(seen), area)
        if names[image] not in best or rank > best[names[image]][0]:
            best[names[image]] = (rank, found)
    return {name: found for name, (_, found) in sorted(best.items())}


def require_own_names(files: Iterable[Path]) -> None:
    """Keypoints go by file name, without folders: refuse two files of one name.

    Raises:
        UserError: there are two.
    """
    seen: dict[str, Path] = {}
    for file in files:
        first = seen.setdefault(file.name, file)
        if first != file:
            raise UserError(f"{first} and {file} have the same name.", "Give each picture a file name of its own.")


def _triples(flat: Sequence[Any]) -> list[tuple[float, float, float]]:
    numbers = [float(n) for n in flat]
    if len(numbers) != 3 * len(NAMES):
        raise ValueError(f"{len(numbers)} numbers instead of {3 * len(NAMES)}")
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


def _area(annotation: dict[str, Any]) -> float:
    box = annotation.get("bbox")
    return float(box[2]) * float(box[3]) if box else float(annotation.get("area", 0))
