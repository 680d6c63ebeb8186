"""The pictures of the trials that say most: who was ranked before whom, and what they wore."""

from __future__ import annotations

from pathlib import Path

import cv2
from PIL import Image, ImageDraw

from occreid.data.occlusion.library import OccluderLibrary
from occreid.errors import UserError
from occreid.evaluation.clever_hans import CleverHans, pictures

CELL = (96, 192)
"""Width and height of a picture, in pixels."""
_GAP, _CAPTION = 8, 30
_TITLES = ("query", "same person,\nother occluder", "somebody else,\nsame occluder", "somebody else,\nother occluder")
_GREEN, _RED, _GREY = (20, 140, 60), (200, 40, 40), (90, 90, 90)


def write_telling(found: CleverHans, library: OccluderLibrary, share: float, path: Path, count: int = 6) -> int:
    """Write a PNG of the most telling trials, one row each.

    A red frame is around a wrong picture that came before the right one, a green one around the right one.

    Args:
        found: the outcome.
        library: the things that were pasted.
        share: of the picture that they covered.
        path: the PNG to write; its folder is made.
        count: most rows.

    Returns:
        The number of rows.

    Raises:
        UserError: the file cannot be written.
    """
    chosen = found.telling(count)
    width, height = CELL[0] + _GAP, CELL[1] + _GAP
    sheet = Image.new("RGB", (width * len(_TITLES) + _GAP, height * len(chosen) + _CAPTION + _GAP), (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(_TITLES):
        pen.multiline_text((_GAP + column * width, 4), title, fill=(0, 0, 0), font_size=11, spacing=1)
    for row, number in enumerate(chosen):
        won = (None, None, found.shared[number] > 0.5, found.apart[number] > 0.5)
        for column, image in enumerate(pictures(found.trials[number], library, share)[: len(_TITLES)]):
            left, top = _GAP + column * width, _CAPTION + row * height
            colour = _GREY if column == 0 else _GREEN if column == 1 else _RED if won[column] else _GREY
            pen.rectangle((left - 3, top - 3, left + CELL[0] + 2, top + CELL[1] + 2), fill=colour)
            sheet.paste(Image.fromarray(cv2.resize(image, CELL, interpolation=cv2.INTER_AREA)), (left, top))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, format="PNG")
    except OSError as error:
        raise UserError(f"the sheet {path} cannot be written: {error.strerror or error}.", "Choose another.") from error
    return len(chosen)
