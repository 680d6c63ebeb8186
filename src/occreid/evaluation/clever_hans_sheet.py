"""The pictures of the trials that say most: who was ranked before whom, and what they wore."""

from __future__ import annotations

from pathlib import Path

from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.data.occlusion.library import OccluderLibrary
from occreid.evaluation.clever_hans import CleverHans, pictures

CELL = (192, 96)
"""Height and width of a picture, in pixels."""
_TITLES = ("query", "same person,\nother occluder", "somebody else,\nsame occluder", "somebody else,\nother occluder")
_GREEN, _RED, _GREY = (20, 140, 60), (200, 40, 40), (90, 90, 90)
_LEGEND = {"right": _GREEN, "wrong and nearer than the right one": _RED}


def write_telling(found: CleverHans, library: OccluderLibrary, share: float, path: Path, count: int = 6) -> int:
    """Write a PNG of the most telling trials, one row each.

    A red frame is around a wrong picture that came before the right one, a green one around the right one; under each
    is its distance to the query.

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
    rows = []
    for number in chosen:
        won = (found.shared[number] > 0.5, found.other[number] > 0.5)
        shown = pictures(found.trials[number], library, share)[: len(_TITLES)]
        frames = (_GREY, _GREEN, *(_RED if each else _GREY for each in won))
        said = ("", *(f"distance {distance:.3f}" for distance in found.distances[number]))
        rows.append([Tile(*facts) for facts in zip(shown, said, frames, strict=True)])
    write_sheet(path, draw_sheet(rows, cell=CELL, titles=_TITLES, legend=_LEGEND))
    return len(chosen)
