"""A sheet of pictures with their part masks laid over, to see with one's own eyes what was parsed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from occreid.data.images import Pixels, read_image
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.data.loading.transforms import resize
from occreid.data.masks.files import read_mask, resize_mask
from occreid.errors import UserError
from occreid.records import PART_NAMES, Record

CELL = (128, 64)
"""Height and width of a picture on the sheet, in pixels."""
COLOURS = np.array([[0, 0, 0], [230, 80, 60], [60, 160, 230], [90, 200, 90], [240, 200, 60]], np.float32)
"""RGB of the background (not drawn) and the four parts."""


def overlay(image: Pixels, mask: Pixels) -> Pixels:
    """(H, W, 3) picture and (H, W) part mask → the picture, darker, with its parts in colour."""
    tinted = 0.45 * image + 0.55 * COLOURS[mask]
    return np.where(mask[..., None] > 0, tinted, 0.6 * image).astype(np.uint8)


def overlay_sheet(records: Sequence[Record], path: Path, *, rows: int = 4, columns: int = 12, seed: int = 0) -> int:
    """Write a PNG of random pictures, each above itself with its mask.

    Args:
        records: images with masks.
        path: the PNG to write; its folder is made.
        rows: of pictures.
        columns: of pictures.
        seed: which pictures.

    Returns:
        How many pictures are shown.

    Raises:
        UserError: no records, one without mask, an unreadable file, or a sheet that cannot be written.
    """
    if not records:
        raise UserError("there is no picture to show.", "Give images with masks.")
    chosen = random.Random(seed).sample(list(records), min(rows * columns, len(records)))
    pairs = [_pair(record) for record in chosen]
    lines: list[list[Tile]] = []
    for start in range(0, len(pairs), columns):
        above, below = zip(*pairs[start : start + columns], strict=True)
        lines += [list(above), list(below)]
    legend = {name: (int(r), int(g), int(b)) for name, (r, g, b) in zip(PART_NAMES, COLOURS[1:], strict=True)}
    write_sheet(path, draw_sheet(lines, cell=CELL, legend=legend))
    return len(chosen)


def _pair(record: Record) -> tuple[Tile, Tile]:
    if record.mask is None:
        raise UserError(f"{record.path} has no mask to show.", "Give images with masks.")
    image, mask = resize(read_image(record.path), *CELL), resize_mask(read_mask(record.mask), *CELL)
    return Tile(image), Tile(overlay(image, mask))
