"""Drawn cut-outs of things that stand before people, for training where no photographs of obstacles are at hand.

Each is an (h, w, 4) uint8 RGBA picture whose alpha is its outline. They are simple on purpose: noise for NODA, not
a copy of the obstacles of any benchmark (`occreid.synth` draws its own, which these never show).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from occreid.data.images import Pixels

Colour = tuple[int, int, int]


def draw_cutout(kind: str, rng: np.random.Generator) -> Pixels:
    """One cut-out of a kind in `KINDS`: (h, w, 4) uint8 RGBA, 60 to 220 pixels a side."""
    return KINDS[kind](rng)


def any_colour(rng: np.random.Generator) -> Colour:
    """Mostly greys and browns with a tint, sometimes bright."""
    grey = rng.uniform(30, 190) * (1 + rng.normal(0, 0.1, 3))
    red, green, blue = (grey if rng.random() < 0.6 else rng.uniform(20, 235, 3)).clip(8, 247).astype(int).tolist()
    return red, green, blue


def surface(rng: np.random.Generator, height: int, width: int, colour: Colour, strength: float = 0.12) -> Pixels:
    """A colour with noise of several sizes and a slope of light: (h, w, 3)."""
    dim, bright = rng.uniform(0.8, 1.2, 2)
    light = np.linspace(dim, bright, width)[None, :] * np.ones((height, 1))
    for cells in (4, 12, 40):
        coarse = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        light += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return (light[:, :, None] * np.array(colour)).clip(0, 255).astype(np.uint8)


def blank(height: int, width: int) -> tuple[Pixels, Pixels]:
    """A black picture (h, w, 3) and an empty outline (h, w)."""
    return np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)


def with_outline(picture: Pixels, alpha: Pixels) -> Pixels:
    """A picture and its outline as one: (h, w, 4)."""
    return np.dstack([picture, alpha])


def _board(rng: np.random.Generator) -> Pixels:
    """A sign or poster: opaque, with a frame and lines of writing."""
    height, width = (int(v) for v in rng.integers(80, 180, 2))
    picture = surface(rng, height, width, any_colour(rng), 0.05)
    ink = any_colour(rng)
    for y in range(12, height - 10, int(rng.integers(12, 30))):
        end = int(rng.uniform(0.4, 0.95) * width)
        cv2.line(picture, (8, y), (max(end, 12), y), ink, int(rng.integers(2, 8)))
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), any_colour(rng), 4)
    return with_outline(picture, np.full((height, width), 255, np.uint8))


def _carton(rng: np.random.Generator) -> Pixels:
    """A stack of boxes, each narrower or shifted."""
    height, width = int(rng.integers(90, 180)), int(rng.integers(90, 200))
    picture, alpha = blank(height, width)
    edges = np.sort(rng.uniform(0.2, 0.8, int(rng.integers(1, 3)))) * height
    for top, bottom in zip([0, *edges.astype(int)], [*edges.astype(int), height], strict=True):
        left, right = int(rng.uniform(0, 0.25) * width), int(rng.uniform(0.75, 1) * width)
        skin = surface(rng, max(bottom - top, 1), right - left, any_colour(rng), 0.06)
        picture[top : top + len(skin), left:right], alpha[top : top + len(skin), left:right] = skin, 255
        middle = (left + right) // 2
        cv2.line(picture, (middle, top), (middle, bottom), any_colour(rng), 3)
    return with_outline(picture, alpha)


def _bin(rng: np.random.Generator) -> Pixels:
    """A litter bin: wider above than below, with ribs and a lid."""
    height, width = int(rng.integers(110, 200)), int(rng.integers(70, 120))
    picture, alpha = surface(rng, height, width, any_colour(rng)), np.zeros((height, width), np.uint8)
    inset = int(rng.uniform(0.05, 0.22) * width)
    outline = np.array([(0, 0), (width - 1, 0), (width - 1 - inset, height - 1), (inset, height - 1)])
    cv2.fillPoly(alpha, [outline], 255)
    for x in range(6, width, int(rng.integers(8, 20))):
        cv2.line(picture, (x, 0), (x, height), (30, 30, 30), 1)
    cv2.rectangle(picture, (0, 0), (width - 1, int(0.12 * height)), any_colour(rng), -1)
    return with_outline(picture, alpha)


def _bush(rng: np.random.Generator) -> Pixels:
    """Clumps of leaves with a ragged edge and holes."""
    height, width = int(rng.integers(90, 160)), int(rng.integers(120, 220))
    green = (int(rng.integers(20, 90)), int(rng.integers(70, 150)), int(rng.integers(15, 70)))
    picture, alpha = surface(rng, height, width, green, 0.3), np.zeros((height, width), np.uint8)
    for x, y, r in zip(rng.normal(0.5, 0.2, 60), rng.uniform(0.2, 1, 60), rng.uniform(0.06, 0.2, 60), strict=True):
        cv2.circle(alpha, (int(x * width), int(y * height)), int(r * height), 255, -1)
    for x, y in zip(rng.integers(0, width, 240), rng.integers(0, height, 240), strict=True):
        shade = rng.uniform(0.5, 1.5)
        tint = tuple(int(min(c * shade, 255)) for c in green)
        cv2.ellipse(picture, (int(x), int(y)), (5, 2), float(rng.uniform(0, 180)), 0, 360, tint, -1)
    holes = cv2.resize(rng.normal(0, 1, (20, 20)).astype(np.float32), (width, height)) > 1.3
    alpha[holes] = 0
    return with_outline(picture, alpha)


def _trunk(rng: np.random.Generator) -> Pixels:
    """A tree's trunk or a post: tall, with uneven sides."""
    height, width = int(rng.integers(180, 220)), int(rng.integers(60, 80))
    bark = (int(rng.integers(60, 130)), int(rng.integers(50, 105)), int(rng.integers(35, 85)))
    picture, alpha = surface(rng, height, width, bark, 0.2), np.zeros((height, width), np.uint8)
    rough = rng.uniform(0, 0.2) * width
    y = np.arange(height)
    left, right = (
        np.interp(y, np.linspace(0, height, 12), rng.uniform(0, 1, 12)) * rough for _ in range(2)
    )  # uneven on both sides
    sides = np.concatenate([np.stack([left, y], 1), np.stack([width - 1 - right, y], 1)[::-1]])
    cv2.fillPoly(alpha, [sides.astype(np.int32)], 255)
    for x in rng.integers(4, width - 4, 8):
        cv2.line(picture, (int(x), 0), (int(x + rng.integers(-6, 7)), height), (40, 32, 26), 1)
    return with_outline(picture, alpha)


def _pole(rng: np.random.Generator) -> Pixels:
    """A sign post: a narrow shaft with a disc or a plate on top."""
    height, width = int(rng.integers(190, 220)), int(rng.integers(60, 84))
    picture, alpha = surface(rng, height, width, any_colour(rng), 0.08), np.zeros((height, width), np.uint8)
    half, middle = int(rng.integers(8, 20)), width // 2
    cv2.rectangle(alpha, (middle - half, 0), (middle + half, height - 1), 255, -1)
    sign, colour = int(rng.uniform(0.12, 0.3) * height), any_colour(rng)
    if rng.random() < 0.5:
        cv2.circle(alpha, (middle, sign), middle - 1, 255, -1)
        cv2.circle(picture, (middle, sign), middle - 1, colour, -1)
        cv2.circle(picture, (middle, sign), middle - 8, (235, 235, 230), 4)
    else:
        cv2.rectangle(alpha, (0, sign - middle), (width - 1, sign + middle), 255, -1)
        cv2.rectangle(picture, (0, sign - middle), (width - 1, sign + middle), colour, -1)
    return with_outline(picture, alpha)


def _fence(rng: np.random.Generator) -> Pixels:
    """Bars and rails, holes between them."""
    height, width = int(rng.integers(80, 130)), int(rng.integers(140, 220))
    picture, alpha = surface(rng, height, width, any_colour(rng), 0.08), np.zeros((height, width), np.uint8)
    thick = int(rng.integers(5, 14))
    for x in range(0, width, thick + int(rng.integers(4, 16))):
        cv2.rectangle(alpha, (x, 0), (min(x + thick, width) - 1, height - 1), 255, -1)
    for y in (int(0.08 * height), int(0.8 * height)):
        cv2.rectangle(alpha, (0, y), (width - 1, y + thick), 255, -1)
    return with_outline(picture, alpha)


def _cycle(rng: np.random.Generator) -> Pixels:
    """A bicycle from the side: two wheels and a frame, mostly holes."""
    height, width = int(rng.integers(100, 130)), int(rng.integers(170, 210))
    (picture, alpha), colour, r = blank(height, width), any_colour(rng), int(0.3 * height)
    base = height - r - 4
    back, front = (r + 4, base), (width - r - 5, base)
    seat, head, crank = (
        (int(0.35 * width), int(0.2 * height)),
        (int(0.7 * width), int(0.15 * height)),
        (width // 2, base),
    )
    for wheel in (back, front):
        cv2.circle(picture, wheel, r, (25, 25, 25), 7)
        cv2.circle(alpha, wheel, r, 255, 7)
    for a, b in ((back, crank), (back, seat), (crank, seat), (crank, head), (seat, head), (head, front)):
        cv2.line(picture, a, b, colour, 7)
        cv2.line(alpha, a, b, 255, 7)
    for spot in (seat, head):
        cv2.ellipse(picture, spot, (16, 6), 0, 0, 360, (30, 30, 30), -1)
        cv2.ellipse(alpha, spot, (16, 6), 0, 0, 360, 255, -1)
    return with_outline(picture, alpha)


KINDS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "trunk": _trunk,
    "carton": _carton,
    "pole": _pole,
    "bush": _bush,
    "bin": _bin,
    "fence": _fence,
    "board": _board,
    "cycle": _cycle,
}
"""What can be drawn; trunks and poles are more than twice as tall as wide."""
