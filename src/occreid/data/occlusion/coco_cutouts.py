"""Occluders from photographs: things that COCO's annotators outlined, cut out with their outline as transparency.

Lin et al. 2014, "Microsoft COCO"; ``instances_*.json`` holds an outline for every thing, as polygons or run lengths.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from occreid.data.images import Pixels, read_image
from occreid.data.masks.rle import decode_rle
from occreid.errors import UserError, did_you_mean
from occreid.files import read_json, write_file

OBSTACLES = (
    "backpack",
    "bench",
    "bicycle",
    "boat",
    "bus",
    "car",
    "chair",
    "couch",
    "dining table",
    "fire hydrant",
    "handbag",
    "motorcycle",
    "parking meter",
    "potted plant",
    "refrigerator",
    "stop sign",
    "suitcase",
    "truck",
    "tv",
    "umbrella",
)
"""COCO's categories of things that stand in people's way. No person: an occluder must not be somebody to recognise."""
PARTS = ("train2017", "val2017", "train2014", "val2014")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One outlined thing.

    Attributes:
        image: the COCO picture.
        annotation: COCO's id of the annotation.
        category: what it is.
        box: left, top, width, height in pixels of the picture.
        outline: COCO's segmentation: a list of polygons, or run lengths.
    """

    image: Path
    annotation: int
    category: str
    box: tuple[float, float, float, float]
    outline: Any


def read_obstacles(
    root: Path, part: str | None = None, categories: Sequence[str] = OBSTACLES, min_side: int = 80
) -> list[Obstacle]:
    """The things of some categories that are large enough, sorted by annotation.

    Args:
        root: the folder that holds ``annotations`` and the pictures' folders.
        part: of `PARTS`; None takes the first whose annotations are there.
        categories: COCO's names.
        min_side: pixels that both sides of the box must have.

    Raises:
        UserError: no annotation file, a damaged one, an unknown category, or nothing that is large enough.
    """
    part, file = _annotation_file(root, part)
    content = read_json(file, hint="Download it again.")
    try:
        names = {entry["id"]: entry["file_name"] for entry in content["images"]}
        known = {entry["id"]: entry["name"] for entry in content["categories"]}
        _check_categories(categories, known.values())
        found = [
            Obstacle(
                root / part / names[entry["image_id"]],
                int(entry["id"]),
                known[entry["category_id"]],
                (entry["bbox"][0], entry["bbox"][1], entry["bbox"][2], entry["bbox"][3]),
                entry["segmentation"],
            )
            for entry in content["annotations"]
            if known[entry["category_id"]] in categories
            and not entry.get("iscrowd")
            and min(entry["bbox"][2:]) >= min_side
        ]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(
            f"{file} is no COCO instance file ({type(error).__name__}: {error}).", "Download it again."
        ) from error
    if not found:
        raise UserError(f"{file} outlines nothing of {min_side}×{min_side} pixels or more.", "Lower --min-side.")
    return sorted(found, key=lambda obstacle: obstacle.annotation)


def choose_obstacles(obstacles: Sequence[Obstacle], count: int, seed: int = 0) -> list[Obstacle]:
    """At most ``count`` of them, drawn by seed, sorted by annotation.

    Raises:
        UserError: a count below 1.
    """
    if count < 1:
        raise UserError(f"{count} occluders make no library.", "Give a count of 1 or more.")
    drawn = random.Random(seed).sample(list(obstacles), min(count, len(obstacles)))
    return sorted(drawn, key=lambda obstacle: obstacle.annotation)


def write_cutouts(obstacles: Sequence[Obstacle], out: Path) -> Iterator[Path]:
    """Cut things out of their pictures; yields each RGBA PNG as it is written, ``category-annotation.png``.

    Raises:
        UserError: a missing or damaged picture, a damaged outline, or a folder that cannot be written.
    """
    for obstacle in obstacles:
        path = out / f"{obstacle.category.replace(' ', '_')}-{obstacle.annotation}.png"
        _, encoded = cv2.imencode(".png", cv2.cvtColor(cut_out(obstacle), cv2.COLOR_RGBA2BGRA))
        yield write_file(path, encoded.tobytes(), flush=False)


def cut_out(obstacle: Obstacle) -> Pixels:
    """A thing with its outline as alpha, (h, w, 4) uint8 RGBA, the size of its box.

    Raises:
        UserError: a missing or damaged picture, or an outline that is damaged or lies outside it.
    """
    image = read_image(obstacle.image)
    height, width = image.shape[:2]
    x, y, w, h = obstacle.box
    left, top = max(int(x), 0), max(int(y), 0)
    right, bottom = min(round(x + w), width), min(round(y + h), height)
    solid = _mask(obstacle, height, width)[top:bottom, left:right]
    if not solid.any():
        raise UserError(
            f"annotation {obstacle.annotation}'s outline lies outside {obstacle.image}.", "Download COCO again."
        )
    return np.dstack([image[top:bottom, left:right], solid.astype(np.uint8) * 255])


def _mask(obstacle: Obstacle, height: int, width: int) -> Pixels:
    """(height, width) uint8, 1 inside the outline."""
    outline = obstacle.outline
    try:
        if isinstance(outline, dict):
            mask = decode_rle(outline["counts"], *outline["size"]).astype(np.uint8)
            if mask.shape != (height, width):
                raise ValueError(f"it is {mask.shape}, the picture {(height, width)}")
            return mask
        polygons = [np.rint(np.array(points, np.float64).reshape(-1, 2)).astype(np.int32) for points in outline]
        return cv2.fillPoly(np.zeros((height, width), np.uint8), polygons, 1)  # type: ignore[return-value]
    except (ValueError, KeyError, TypeError, cv2.error) as error:
        raise UserError(
            f"annotation {obstacle.annotation} has a damaged outline: {error}.", "Download COCO again."
        ) from error


def _annotation_file(root: Path, part: str | None) -> tuple[str, Path]:
    if part is not None and part not in PARTS:
        raise UserError(f"COCO has no part '{part}'.", did_you_mean(part, PARTS))
    wanted = [part] if part else list(PARTS)
    for name in wanted:
        file = root / "annotations" / f"instances_{name}.json"
        if file.is_file():
            return name, file
    raise UserError(
        f"there is no annotations/instances_{wanted[0]}.json in {root}.",
        "Give the folder that holds COCO's 'annotations', or make no library: NODA draws its own occluders.",
    )


def _check_categories(wanted: Sequence[str], known: Any) -> None:
    names = sorted(known)
    for category in wanted:
        if category not in names and wanted is not OBSTACLES:
            raise UserError(f"COCO has no category '{category}'.", did_you_mean(category, names))
