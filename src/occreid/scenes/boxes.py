"""Boxes around persons, as detectors, trackers and files give them, and what is kept of them.

Letters: N boxes, H × W pixels of a scene.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels
from occreid.errors import UserError

SMALLEST = 8
"""Pixels of a side below which a box shows nobody."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a scene, in whole pixels from its upper left corner.

    Attributes:
        x, y: the box's upper left corner.
        width, height: its sides.
        score: how sure the detector was, in [0, 1].
        track: what the person's path is called within its source, where somebody followed it.
    """

    x: int
    y: int
    width: int
    height: int
    score: float = 1.0
    track: str | None = None

    def cut(self, pixels: Pixels) -> Pixels:
        """The (height, width, 3) pixels inside."""
        return np.ascontiguousarray(pixels[self.y : self.y + self.height, self.x : self.x + self.width])


def boxes_in(
    corners: Any, scores: Any, size: tuple[int, int], who: str, *, tracks: Sequence[str | None] | None = None
) -> list[Box]:
    """Boxes cut to the scene; those that are too small or wholly outside are left out.

    Args:
        corners: (N, 4) numbers x1, y1, x2, y2 in pixels.
        scores: N numbers in [0, 1].
        size: (H, W) of the scene.
        who: gave them, for the error.
        tracks: N names of paths.

    Raises:
        UserError: other shapes, NaN, corners in the wrong order, scores beyond [0, 1].
    """
    rectangles, sure = _numbers(corners, who), _numbers(scores, who).reshape(-1)
    rectangles = rectangles.reshape(-1, 4) if rectangles.size == 0 else rectangles
    if rectangles.ndim != 2 or rectangles.shape[1] != 4 or len(rectangles) != len(sure):
        raise UserError(
            f"{who} gave boxes of shape {rectangles.shape} and {len(sure)} scores.",
            "Give (N, 4) corners x1, y1, x2, y2 in pixels and N scores.",
        )
    if not (np.isfinite(rectangles).all() and np.isfinite(sure).all()):
        raise UserError(f"{who} gave a box or score that is no number.", "Check the detector and its weights.")
    if (sure < 0).any() or (sure > 1).any():
        raise UserError(f"{who} gave scores from {sure.min():.3g} to {sure.max():.3g}.", "Give scores in [0, 1].")
    if (rectangles[:, 2:] < rectangles[:, :2]).any():
        raise UserError(f"{who} gave a box that ends before it begins.", "Give corners x1, y1, x2, y2, not sizes.")
    height, width = size
    found = []
    for number, (x1, y1, x2, y2) in enumerate(rectangles.tolist()):
        left, top = max(0, math.floor(x1)), max(0, math.floor(y1))
        right, bottom = min(width, math.ceil(x2)), min(height, math.ceil(y2))
        if right - left >= SMALLEST and bottom - top >= SMALLEST:
            track = tracks[number] if tracks is not None else None
            found.append(Box(left, top, right - left, bottom - top, float(sure[number]), track))
    return found


def overlaps(a: Sequence[Box], b: Sequence[Box]) -> NDArray[np.float64]:
    """(A, B) intersection over union of all pairs, in [0, 1]."""
    first, second = (
        np.array([(o.x, o.y, o.x + o.width, o.y + o.height) for o in side], float).reshape(-1, 4) for side in (a, b)
    )
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    areas = [(side[:, 2:] - side[:, :2]).prod(1) for side in (first, second)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def _numbers(values: Any, who: str) -> NDArray[np.float64]:
    plain = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    try:
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{who} gave something that is no box ({error}).", "Give numbers.") from error
