"""Boxes around people as detectors give them: a little off, loose, or cutting a part away."""

from __future__ import annotations

import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene.solids import Window

ASPECT, UNEVEN = 0.42, 0.13
"""Width of a box over its height in the second edition, and how much its logarithm varies; all are resized to 1 : 2."""
KEPT_STRIDES = 0.4
"""Share of boxes that are widened until arms and legs are inside."""
FAULTS = {"none": 0.74, "loose": 0.11, "no feet": 0.08, "no head": 0.02, "beside": 0.05}
"""What is wrong with a box of the second edition, with shares."""

MARGIN_ABOVE, MARGIN_BELOW, CUT_FEET, WIDTHS, STRIDES = (
    (0.0, 0.07),
    (-0.01, 0.06),
    (-0.2, -0.05),
    (0.82, 1.12),
    (0.94, 1.1),
)
"""The first edition's margins, as shares of the height, and widths, as shares of half the height and of the person."""
WITH_FEET, OFF_CENTRE = 0.93, 0.03
"""The first edition's share of boxes with feet, and its shift, as a share of the width."""


def usual_box(points: FloatArray, canvas: tuple[int, int], rng: np.random.Generator) -> Window:
    """The first edition's box around points (N, 2): a little off, sometimes without the feet."""
    low, high = points.min(0), points.max(0)
    tall = float(high[1] - low[1])
    top = float(low[1]) - tall * rng.uniform(*MARGIN_ABOVE)
    bottom = float(high[1]) + tall * (
        rng.uniform(*MARGIN_BELOW) if rng.random() < WITH_FEET else rng.uniform(*CUT_FEET)
    )
    width = max((bottom - top) * 0.5 * rng.uniform(*WIDTHS), float(high[0] - low[0]) * rng.uniform(*STRIDES))
    left = float(low[0] + high[0]) / 2 - width / 2 + rng.normal(0, OFF_CENTRE) * width
    return Window(float(left), float(top), canvas[0] / float(width), canvas[1] / float(bottom - top))


def detected_box(points: FloatArray, canvas: tuple[int, int], rng: np.random.Generator) -> Window:
    """The second edition's box around points (N, 2): the faults of `FAULTS`, and wider or narrower than usual."""
    low, high = points.min(0), points.max(0)
    tall, wide = float(high[1] - low[1]), float(high[0] - low[0])
    fault = str(rng.choice(list(FAULTS), p=list(FAULTS.values())))
    above, below = rng.normal(0.02, 0.025), rng.normal(0.02, 0.025)
    if fault == "loose":
        above, below = rng.uniform(0.0, 0.25), rng.uniform(0.0, 0.25)
    if fault == "no feet":
        below = -rng.uniform(0.06, 0.45)
    if fault == "no head":
        above = -rng.uniform(0.03, 0.12)
    top, bottom = float(low[1]) - tall * above, float(high[1]) + tall * below
    width = (bottom - top) * ASPECT * float(np.exp(rng.normal(0, UNEVEN)))
    if rng.random() < KEPT_STRIDES:
        width = max(width, wide * float(rng.uniform(0.85, 1.1)))
    shift = rng.normal(0, 0.18 if fault == "beside" else 0.045)
    left = float(low[0] + high[0]) / 2 - width / 2 + shift * width
    return Window(float(left), top, canvas[0] / float(width), canvas[1] / (bottom - top))
