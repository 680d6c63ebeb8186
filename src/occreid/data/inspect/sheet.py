"""A contact sheet: rows of small pictures with frames and captions, to see with one's own eyes what is in a set.

Letters: H × W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from occreid.data.images import Pixels
from occreid.files import write_file

Colour = tuple[int, int, int]
"""RGB, 0…255."""
GAP, FRAME, LINE = 4, 2, 12
"""Pixels between pictures, of a frame around one, and of a line of text."""
_SQUARE = 8  # pixels of a side of the legend's squares
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet.

    Attributes:
        picture: (H, W, 3) uint8 RGB of any size; it is stretched to the sheet's cell.
        caption: a line under it; may be empty.
        frame: the colour of its frame and caption; None draws no frame.
    """

    picture: Pixels
    caption: str = ""
    frame: Colour | None = None


def draw_sheet(
    rows: Sequence[Sequence[Tile]],
    *,
    cell: tuple[int, int] = (128, 64),
    titles: Sequence[str] = (),
    legend: Mapping[str, Colour] | None = None,
) -> Pixels:
    """Draw tiles in rows on white paper.

    Args:
        rows: tiles from left to right; rows may differ in length.
        cell: height and width of each picture, in pixels.
        titles: above the columns; may have several lines.
        legend: what frames of a colour mean, written below the rows beside a square of it.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = cell
    top = GAP + LINE * max((title.count("\n") + 1 for title in titles), default=0)
    step = height + GAP + LINE * any(tile.caption for row in rows for tile in row)
    columns = max([len(titles), *map(len, rows)], default=0)
    size = (columns * (width + GAP) + GAP, top + len(rows) * step + LINE * bool(legend))
    sheet = Image.new("RGB", size, _WHITE)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.multiline_text((GAP + column * (width + GAP), 2), title, fill=_BLACK, font_size=10, spacing=1)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            left, upper = GAP + x * (width + GAP), top + y * step
            if tile.frame:
                far = (left + width + FRAME - 1, upper + height + FRAME - 1)
                pen.rectangle((left - FRAME, upper - FRAME, *far), fill=tile.frame)
            small = cv2.resize(tile.picture, (width, height), interpolation=cv2.INTER_AREA)
            sheet.paste(Image.fromarray(small), (left, upper))
            pen.text((left, upper + height + 1), tile.caption, fill=tile.frame or _BLACK, font_size=10)
    left = GAP
    for meaning, colour in (legend or {}).items():
        upper = size[1] - LINE
        pen.rectangle((left, upper + 2, left + _SQUARE - 1, upper + 1 + _SQUARE), fill=colour)
        pen.text((left + LINE, upper), meaning, fill=colour, font_size=10)
        left += 2 * LINE + int(pen.textlength(meaning, font_size=10))
    return np.asarray(sheet)


def write_sheet(path: Path, sheet: Pixels) -> Path:
    """What `draw_sheet` drew as a PNG file, whose folder is made.

    Raises:
        UserError: the file cannot be written.
    """
    encoded = cv2.imencode(".png", sheet[..., ::-1])[1]
    return write_file(path, encoded.tobytes(), what="the sheet", hint="Choose another.")
