"""Drawn cut-outs for stress tests and Clever Hans only: kinds of things that hide nobody in any training set.

Whoever trains with `occreid.data.occlusion.cutouts` or on occsynth has met none of them, so that nobody passes a test
by knowing the obstacle. Each is an (h, w, 4) uint8 RGBA picture like those of `cutouts`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from occreid.data.images import Pixels
from occreid.data.occlusion.cutouts import any_colour, blank, surface, with_outline


def _cone(rng: np.random.Generator) -> Pixels:
    """A traffic cone on its foot, with bright bands."""
    height, width = int(rng.integers(120, 200)), int(rng.integers(80, 130))
    picture, alpha = surface(rng, height, width, any_colour(rng), 0.06), np.zeros((height, width), np.uint8)
    foot, tip, middle = int(0.9 * height), int(0.1 * width), width // 2
    for low, high in ((0.25, 0.42), (0.58, 0.72)):
        cv2.rectangle(picture, (0, int(low * height)), (width, int(high * height)), (232, 230, 226), -1)
    outline = np.array([(middle - tip, 0), (middle + tip, 0), (int(0.85 * width), foot), (int(0.15 * width), foot)])
    cv2.fillPoly(alpha, [outline], 255)
    cv2.rectangle(alpha, (0, foot), (width - 1, height - 1), 255, -1)
    cv2.rectangle(picture, (0, foot), (width - 1, height - 1), any_colour(rng), -1)
    return with_outline(picture, alpha)


def _barrel(rng: np.random.Generator) -> Pixels:
    """A drum: bulging sides, hoops, light from one side."""
    height, width = int(rng.integers(110, 180)), int(rng.integers(90, 140))
    picture, alpha = surface(rng, height, width, any_colour(rng), 0.1), np.zeros((height, width), np.uint8)
    bulge = 0.5 - 0.12 * np.cos(np.linspace(-1.2, 1.2, height)) + 0.12
    for y in range(height):
        half = int(width * (1 - bulge[y]) * 0.98)
        alpha[y, width // 2 - half : width // 2 + half] = 255
    light = np.linspace(float(rng.uniform(0.5, 0.9)), float(rng.uniform(0.9, 1.2)), width)[None, :, None]
    picture = (picture * light).clip(0, 255).astype(np.uint8)
    for share in (0.08, 0.35, 0.65, 0.92):
        cv2.rectangle(picture, (0, int(share * height) - 3), (width, int(share * height) + 3), any_colour(rng), -1)
    return with_outline(picture, alpha)


def _chair(rng: np.random.Generator) -> Pixels:
    """A chair from the front: back with slats, seat, legs."""
    height, width = int(rng.integers(130, 190)), int(rng.integers(80, 120))
    picture, alpha = surface(rng, height, width, any_colour(rng), 0.12), np.zeros((height, width), np.uint8)
    thick, seat = int(rng.integers(8, 15)), int(0.55 * height)
    for x in range(0, width, thick + int(rng.integers(6, 18))):
        cv2.rectangle(alpha, (x, 0), (x + thick // 2, seat), 255, -1)
    cv2.rectangle(alpha, (0, 0), (width - 1, thick), 255, -1)
    cv2.rectangle(alpha, (0, seat), (width - 1, seat + 2 * thick), 255, -1)
    for x in (0, width - thick):
        cv2.rectangle(alpha, (x, 0), (x + thick - 1, height - 1), 255, -1)
    return with_outline(picture, alpha)


def _ladder(rng: np.random.Generator) -> Pixels:
    """A leaning step ladder: two rails that meet above, rungs between."""
    height, width = int(rng.integers(180, 220)), int(rng.integers(80, 120))
    (picture, alpha), colour, thick = blank(height, width), any_colour(rng), int(rng.integers(7, 13))
    top, foot = int(0.28 * width), thick // 2
    for a, b in (((top, 0), (foot, height)), ((width - top, 0), (width - foot, height))):
        cv2.line(alpha, a, b, 255, thick)
        cv2.line(picture, a, b, colour, thick)
    for y in range(thick, height, int(rng.integers(18, 30))):
        inset = int(top + (foot - top) * y / height)
        cv2.line(alpha, (inset, y), (width - inset, y), 255, thick)
        cv2.line(picture, (inset, y), (width - inset, y), tuple(int(0.8 * c) for c in colour), thick)
    picture[::3] = (picture[::3] * 0.85).astype(np.uint8)
    return with_outline(picture, alpha)


def _balloons(rng: np.random.Generator) -> Pixels:
    """A bunch of balloons with a shine each."""
    height, width = int(rng.integers(110, 180)), int(rng.integers(110, 180))
    picture, alpha = blank(height, width)
    for _ in range(int(rng.integers(5, 10))):
        r = int(rng.uniform(0.16, 0.26) * width)
        spot = (int(rng.integers(r, width - r)), int(rng.integers(r, height - r)))
        cv2.ellipse(picture, spot, (r, int(1.1 * r)), 0, 0, 360, any_colour(rng), -1)
        cv2.ellipse(alpha, spot, (r, int(1.1 * r)), 0, 0, 360, 255, -1)
        cv2.circle(picture, (spot[0] - r // 3, spot[1] - r // 3), max(r // 6, 2), (244, 244, 240), -1)
    return with_outline(picture, alpha)


def _machine(rng: np.random.Generator) -> Pixels:
    """A vending machine: a lit front with rows of bottles, a slot below."""
    height, width = int(rng.integers(170, 220)), int(rng.integers(80, 120))
    picture = surface(rng, height, width, any_colour(rng), 0.04)
    cv2.rectangle(picture, (6, 6), (width - 22, int(0.72 * height)), (200, 205, 208), -1)
    rows, columns = int(rng.integers(3, 6)), int(rng.integers(4, 8))
    for row in range(rows):
        y = int(12 + row * (0.68 * height) / rows)
        for column in range(columns):
            x = int(10 + column * (width - 36) / columns)
            cv2.rectangle(picture, (x, y), (x + 6, y + int(0.45 * height / rows)), any_colour(rng), -1)
    cv2.rectangle(picture, (10, int(0.8 * height)), (width - 26, int(0.9 * height)), (18, 18, 20), -1)
    return with_outline(picture, np.full((height, width), 255, np.uint8))


KINDS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "cone": _cone,
    "barrel": _barrel,
    "chair": _chair,
    "ladder": _ladder,
    "balloons": _balloons,
    "machine": _machine,
}
"""What can be drawn."""
