"""Exact labels from what was drawn: part masks, visible fractions, keypoints with visibility."""

from __future__ import annotations

import numpy as np

from occreid.synth.people.bodies import COCO_KEYPOINTS, FloatArray

PARTS = 4
_BEHIND = 0.14
"""A keypoint inside the body counts as seen when the surface before it is at most this near to it (metres)."""


def visible_fractions(whole: np.ndarray, seen: np.ndarray) -> list[float]:
    """Share of each part that is seen: pixels of the label in ``seen`` over those in ``whole``.

    Args:
        whole: uint8 labels of the person alone, on a canvas wide enough for all of it.
        seen: uint8 labels of what is left in the picture.

    Returns:
        four values in [0, 1]; 0 for a part the person turns away from the camera altogether.
    """
    total = np.bincount(whole.ravel(), minlength=PARTS + 1)[1 : PARTS + 1]
    left = np.bincount(seen.ravel(), minlength=PARTS + 1)[1 : PARTS + 1]
    return [float(a / t) if t else 0.0 for a, t in zip(left, total, strict=True)]


def keypoint_rows(
    xy: FloatArray, depth: FloatArray, surface: FloatArray, seen: np.ndarray, size: tuple[int, int]
) -> list[float]:
    """COCO rows x, y, v of the 17 keypoints, flattened.

    Args:
        xy: (17, 2) in canvas pixels.
        depth: (17,) metres from the camera.
        surface: (H, W) distance of the person's nearest surface, infinite beside it.
        seen: (H, W) bool, where the person is in front.
        size: width and height of the image that is written.

    Returns:
        51 values; v is 2 seen, 1 in the image but hidden (by something or by the person), 0 outside (x = y = 0).
    """
    height, width = surface.shape
    rows: list[float] = []
    for k in range(len(COCO_KEYPOINTS)):
        x, y = float(xy[k, 0]), float(xy[k, 1])
        column, row = int(np.floor(x)), int(np.floor(y))
        if not (0 <= column < width and 0 <= row < height):
            rows += [0.0, 0.0, 0.0]
            continue
        shown = bool(seen[row, column]) and float(depth[k] - surface[row, column]) < _BEHIND
        rows += [round(x * size[0] / width, 2), round(y * size[1] / height, 2), 2.0 if shown else 1.0]
    return rows
