"""Woven, printed and dyed cloth as small pictures that are laid over a garment: the second edition's patterns.

Letters: S the side of a textile in pixels, M pixels of a garment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from occreid.synth.people.appearance import Cloth, Colour
from occreid.synth.people.bodies import FloatArray
from occreid.synth.people.spots import Spots

SIDE = 64
"""Pixels along a textile's side."""
REPEAT = 8.0
"""A textile's side in units of its cloth's scale: about 0.2 to 0.6 m."""
FALL = 0.75
"""Metres from shoulder to hem over which a dyed cloth runs from one colour into the next."""
LETTERS = "ABCDEFGHKLMNOPRSTUVXYZ0123456789"


def _colours(rng: np.random.Generator, cloth: Cloth, count: int) -> FloatArray:
    """The cloth's two colours and more that go with them: (count, 3)."""
    first, second = np.array(cloth.colour), np.array(cloth.second)
    more = []
    for k in range(count):
        grey = rng.uniform(0.05, 0.95)  # most prints keep to a few muted tones
        free = grey + (rng.uniform(0.03, 0.95, 3) - grey) * rng.beta(1.2, 1.5)
        more.append(np.clip(0.6 * free + 0.4 * (first if k % 2 else second), 0, 1))
    return np.stack([first, second, *more])[:count].astype(np.float32)


def _field(rng: np.random.Generator, cells: int) -> FloatArray:
    """Smooth noise (S, S) that tiles."""
    grid = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    wrapped = np.pad(grid, 2, mode="wrap")
    step = SIDE // cells
    return cv2.resize(wrapped, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)[
        2 * step : 2 * step + SIDE, 2 * step : 2 * step + SIDE
    ]


def _bands(rng: np.random.Generator, colours: FloatArray, most: int) -> FloatArray:
    """A line (S, 3) of bands of uneven width."""
    cuts = np.sort(rng.integers(0, SIDE, int(rng.integers(2, most + 1))))
    return colours[np.searchsorted(cuts, np.arange(SIDE)) % len(colours)]


def _rows(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    line = _bands(rng, _colours(rng, cloth, int(rng.integers(2, 5))), int(rng.choice([3, 6, 12, 20])))
    return np.repeat(line[:, None], SIDE, 1)


def _columns(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    return _rows(rng, cloth).transpose(1, 0, 2)


def _plaid(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    colours = _colours(rng, cloth, int(rng.integers(2, 5)))
    down, across = _bands(rng, colours, 8), _bands(rng, colours, 8)
    return 0.5 * down[:, None] + 0.5 * (down if rng.random() < 0.5 else across)[None]


def _flowers(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    colours = _colours(rng, cloth, int(rng.integers(3, 6)))
    picture = np.tile(colours[0], (SIDE, SIDE, 1)).copy()
    size = float(rng.uniform(1.5, 7))
    for _ in range(int(900 / (size + 2) ** 2) + 6):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        tone = colours[1 + int(rng.integers(len(colours) - 1))].tolist()
        axes = (max(int(size * rng.uniform(0.5, 1.3)), 1), max(int(size * rng.uniform(0.4, 1.0)), 1))
        turn = float(rng.uniform(0, 180))
        for dx in (-SIDE, 0, SIDE):
            for dy in (-SIDE, 0, SIDE):
                cv2.ellipse(picture, (x + dx, y + dy), axes, turn, 0, 360, tone, -1)
    return picture


def _patches(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    colours = _colours(rng, cloth, int(rng.integers(2, 5)))
    levels = _field(rng, int(rng.choice([4, 8, 16])))
    cuts = np.quantile(levels, np.linspace(0, 1, len(colours) + 1)[1:-1])
    return colours[np.digitize(levels, cuts)]


def _dots(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    colours = _colours(rng, cloth, 2)
    count, share = int(rng.choice([4, 8])), float(rng.uniform(0.04, 0.16))
    v, u = np.mgrid[0:SIDE, 0:SIDE] / SIDE * count
    u = u + 0.5 * (np.floor(v) % 2)
    inside = ((u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2) < share
    return colours[inside.astype(int)]


def _zigzag(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    colours = _colours(rng, cloth, int(rng.integers(2, 4)))
    v, u = np.mgrid[0:SIDE, 0:SIDE] / SIDE * int(rng.choice([2, 4, 8]))
    return colours[((v + np.abs(u % 1 - 0.5)) * len(colours)).astype(int) % len(colours)]


def _heather(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    share = np.clip(0.25 + 0.25 * rng.normal(0, 1, (SIDE, SIDE, 1)), 0, 1) * rng.uniform(0.2, 0.6)
    return np.array(cloth.colour) * (1 - share) + np.array(cloth.second) * share


def _washed(rng: np.random.Generator, cloth: Cloth) -> FloatArray:
    share = np.clip(0.3 + 0.35 * _field(rng, int(rng.choice([4, 8]))), 0, 1)[..., None] * rng.uniform(0.3, 1.0)
    return np.array(cloth.colour) * (1 - share) + np.array(cloth.second) * share


TEXTILES: dict[str, Callable[[np.random.Generator, Cloth], FloatArray]] = {
    "rows": _rows, "columns": _columns, "plaid": _plaid, "flowers": _flowers, "patches": _patches,
    "spotted": _dots, "zigzag": _zigzag, "heather": _heather, "washed": _washed,
}  # fmt: skip
"""Cloth that repeats all over a garment."""


@lru_cache(maxsize=64)
def textile(cloth: Cloth) -> FloatArray:
    """The picture of a repeating cloth: (S, S, 3) float32 in [0, 1]."""
    made = TEXTILES[cloth.pattern](np.random.default_rng(cloth.seed), cloth)
    return np.clip(made, 0, 1).astype(np.float32)


@lru_cache(maxsize=64)
def motif(cloth: Cloth) -> FloatArray:
    """What is printed on a chest or a back: (S, S, 4) float32, the last channel says where there is ink."""
    rng = np.random.default_rng(cloth.seed)
    colours = _colours(rng, cloth, 5)
    ink = np.zeros((SIDE, SIDE), np.uint8)
    tones = (colours * 255).astype(np.uint8)
    picture = np.tile(tones[1], (SIDE, SIDE, 1))
    kind = int(rng.integers(5))
    if kind in (0, 1):  # words, in one to four lines
        rows = int(rng.integers(1, 5))
        for row in range(rows):
            word = "".join(rng.choice(list(LETTERS), int(rng.integers(2, 8))))
            tall = float(rng.uniform(0.35, 0.9)) * (1.3 if rows < 3 else 0.8)
            at = (int(rng.integers(1, 10)), int((row + 0.8) * SIDE / rows))
            cv2.putText(ink, word, at, cv2.FONT_HERSHEY_SIMPLEX, tall, 255, int(rng.integers(1, 5)))
            cv2.putText(picture, word, at, cv2.FONT_HERSHEY_SIMPLEX, tall, tones[1 + row % 4].tolist(), 6)
    elif kind == 2:  # an emblem of discs and boxes
        for k in range(int(rng.integers(2, 7))):
            (x, y), size = (int(v) for v in rng.integers(12, SIDE - 12, 2)), int(rng.integers(5, 26))
            tone = tones[1 + k % 4].tolist()
            for plane, value in ((ink, 255), (picture, tone)):
                if k % 2:
                    cv2.circle(plane, (x, y), size // 2 + 3, value, -1)
                else:
                    cv2.rectangle(plane, (x - size // 2, y - size // 2), (x + size // 2, y + size // 3), value, -1)
    else:  # a picture: blurred patches of colour, framed or fading out
        levels = _field(rng, int(rng.choice([4, 8, 16])))
        picture = tones[1 + np.digitize(levels, np.quantile(levels, (0.3, 0.55, 0.8)))]
        v, u = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE * 2 - 1
        ink = 255 * ((np.abs(u) ** 4 + np.abs(v) ** 4) < 0.8).astype(np.uint8)
        if kind == 4:
            ink[levels < np.quantile(levels, 0.35)] = 0
    return np.dstack([picture, ink]).astype(np.float32) / 255


def _look_up(picture: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """Colours (M, C) of a picture (S, S, C) at places in [0, 1)."""
    column = np.clip((u * SIDE).astype(np.int64), 0, SIDE - 1)
    row = np.clip((v * SIDE).astype(np.int64), 0, SIDE - 1)
    return picture[row, column]


def _printed(cloth: Cloth, spots: Spots, colour: FloatArray) -> FloatArray:
    """A motif on the chest, on the back, on both, or a small one beside the buttons."""
    rng = np.random.default_rng([cloth.seed, 1])
    x, y, z = spots.place.T
    where = str(rng.choice(["front", "back", "both", "small", "huge"], p=[0.42, 0.12, 0.14, 0.14, 0.18]))
    half = {"small": 0.035, "huge": 0.17}.get(where, float(rng.uniform(0.07, 0.13)))
    middle = (0.05 if where == "small" else 0.0, 0.6 if where == "small" else float(rng.uniform(0.45, 0.54)))
    tall = half * float(rng.uniform(0.6, 1.4))
    facing = {"back": y > 0.0, "both": np.ones(len(y), bool), "huge": y < 0.03}.get(where, y < -0.02)
    side = np.where(y > 0.0, -1.0, 1.0)
    u, v = (side * (x - middle[0]) / half + 1) / 2, ((middle[1] - z) / tall + 1) / 2
    inside = facing & (u >= 0) & (u < 1) & (v >= 0) & (v < 1) & (spots.arm < 0.02)
    drawn = _look_up(motif(cloth), u[inside], v[inside])
    colour[inside] += (drawn[:, :3] - colour[inside]) * drawn[:, 3:]
    return colour


def _dyed(cloth: Cloth, spots: Spots) -> FloatArray:
    """One colour above that runs into another below, softly or with an edge."""
    rng = np.random.default_rng(cloth.seed)
    edge, middle = float(rng.choice([0.02, 0.3, 0.8])), float(rng.uniform(0.3, 0.7))
    share = np.clip((spots.along / FALL - middle) / edge + 0.5, 0, 1)[:, None].astype(np.float32)
    return np.array(cloth.colour, np.float32) * (1 - share) + np.array(cloth.second, np.float32) * share


def _sided(cloth: Cloth, spots: Spots) -> FloatArray:
    """Plain, with stripes down the outer side of sleeves and legs, and contrasting panels."""
    rng = np.random.default_rng(cloth.seed)
    colour = np.tile(np.array(cloth.colour, np.float32), (len(spots.along), 1))
    wide = float(rng.uniform(0.012, 0.05))
    outer = np.where(spots.arm > 0.02, np.abs(spots.around - 0.08), np.abs(np.abs(spots.around) - 0.125))
    line = outer < wide
    if rng.random() < 0.5:
        line &= (outer / wide * 3).astype(int) != 1
    colour[line] = np.array(cloth.second, np.float32)
    return colour


def _raglan(cloth: Cloth, spots: Spots) -> FloatArray:
    """Sleeves, shoulders or lower half of another colour, perhaps with a band between."""
    rng = np.random.default_rng(cloth.seed)
    colours = _colours(rng, cloth, 3)
    kind, low = int(rng.integers(4)), float(rng.uniform(0.12, 0.4))
    other = {
        0: spots.arm > 0.02,
        1: (spots.along < low) | (spots.arm > 0.02),
        2: spots.along > low + 0.1,
        3: spots.place[:, 0] > 0,
    }[kind]
    colour = colours[other.astype(int)]
    if kind in (1, 2) and rng.random() < 0.5:
        at = low if kind == 1 else low + 0.1
        colour[(np.abs(spots.along - at) < 0.02) & (spots.arm <= 0.02)] = colours[2]
    return colour


WHOLE: dict[str, Callable[[Cloth, Spots], FloatArray]] = {"dyed": _dyed, "sided": _sided, "raglan": _raglan}
"""Cloth whose pattern belongs to the garment's cut."""
MOTIFS = ("motif", "motif on rows", "motif on heather")
KNOWN = (*TEXTILES, *WHOLE, *MOTIFS)
"""All patterns of this page."""


def textile_colour(cloth: Cloth, spots: Spots, plain: Colour) -> FloatArray:
    """Colours (M, 3) of a garment whose pattern is one of `KNOWN`; motifs lie on ``plain`` or on another textile."""
    if cloth.pattern in WHOLE:
        return WHOLE[cloth.pattern](cloth, spots)
    ground = cloth.pattern.removeprefix("motif on ")
    if ground in TEXTILES:
        size = cloth.scale * REPEAT
        picture = textile(replace(cloth, pattern=ground))
        colour = _look_up(picture, (spots.around / size) % 1.0, (spots.along / size) % 1.0)
    else:
        colour = np.tile(np.array(plain, np.float32), (len(spots.along), 1))
    return _printed(cloth, spots, colour) if cloth.pattern in MOTIFS else colour
