"""Things that hide people. Each has an id; training and test draw from disjoint sets of ids.

Sizes are metres; the origin is on the ground in the middle of the thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from occreid.synth.scene import sprites, textures
from occreid.synth.scene.solids import Facet, board, box, round_solid
from occreid.synth.streams import Stream

PER_KIND = 12
"""Occluders of each kind and of each side of the split."""

PERSON = "person"
"""The kind of an occluder that is another pedestrian; `crowd` draws it."""


@dataclass(frozen=True, slots=True)
class Occluder:
    """One thing.

    Attributes:
        kind: what it is.
        ident: which one, e.g. ``"bin-train-03"``.
        facets: its surface about the origin; empty for another person.
        overhead: it hangs or is held up: its height varies.
        number: among its kind and side.
    """

    kind: str
    ident: str
    facets: tuple[Facet, ...]
    overhead: bool
    number: int


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Street furniture is mostly grey, brown and dark green, sometimes bright."""
    if rng.random() < 0.6:
        grey = rng.uniform(0.12, 0.7)
        return np.clip(grey * (1 + rng.normal(0, 0.09, 3)), 0.03, 0.95)
    return rng.uniform(0.05, 0.85, 3)


def _bin(rng: np.random.Generator) -> list[Facet]:
    r, h = rng.uniform(0.22, 0.36), rng.uniform(0.8, 1.2)
    skin = textures.planks(rng, _colour(rng), 64, int(rng.integers(6, 20)), True)
    if rng.random() < 0.5:
        label = textures.lettering(rng, _colour(rng), rng.uniform(0, 1, 3), 64)
        skin[20:44] = label[20:44]
    if rng.random() < 0.4:
        return box((0, 0), (r * 1.9, r * 1.9, h), 0, skin, turn=float(rng.uniform(-25, 25)))
    return round_solid((0, 0), (r * 0.85, r, r * 1.04, r * 0.7), (0, h * 0.85, h * 0.9, h), skin)


def _cartons(rng: np.random.Generator) -> list[Facet]:
    facets, bottom, width = [], 0.0, float(rng.uniform(0.6, 1.1))
    for _ in range(int(rng.integers(1, 4))):
        kraft = np.array([0.68, 0.53, 0.36]) * rng.uniform(0.7, 1.2) if rng.random() < 0.7 else _colour(rng)
        skin = textures.lettering(rng, np.clip(kraft, 0, 1), kraft * 0.5, 64)
        size = (width * rng.uniform(0.75, 1.0), 0.5, float(rng.uniform(0.3, 0.6)))
        facets += box((float(rng.normal(0, 0.05)), 0), size, bottom, skin, turn=float(rng.uniform(-20, 20)))
        bottom += size[2]
    return facets


def _cart(rng: np.random.Generator) -> list[Facet]:
    wide, high = float(rng.uniform(0.9, 1.5)), float(rng.uniform(0.75, 1.05))
    facets = box(
        (0, 0), (wide, 0.6, high - 0.25), 0.25, textures.planks(rng, _colour(rng), 64, 8, bool(rng.random() < 0.5))
    )
    for x in (-wide * 0.35, wide * 0.35):
        wheel = round_solid((0, 0), (0.14, 0.14), (-0.03, 0.03), textures.plain(rng, np.full(3, 0.1), 32))
        facets += [Facet(f.points[:, [0, 2, 1]] + (x, -0.31, 0.14), (0.08, 0.08, 0.08)) for f in wheel]
    for k in range(int(rng.integers(1, 5))):
        x, s = (k - 1.5) * wide / 4.5, float(rng.uniform(0.12, 0.3))
        facets += box((x, 0), (0.24, 0.35, s), high, textures.plain(rng, rng.uniform(0.1, 0.95, 3), 32, 0.2))
    return facets


def _shelf(rng: np.random.Generator) -> list[Facet]:
    wide, high, rows = float(rng.uniform(0.7, 1.3)), float(rng.uniform(1.1, 1.7)), int(rng.integers(2, 5))
    frame = textures.plain(rng, _colour(rng), 32)
    facets = [board(0, 0.2, 0, wide, high, textures.plain(rng, np.array([0.2, 0.19, 0.18]), 32))]
    for row in range(rows + 1):
        facets += box((0, 0), (wide, 0.4, 0.04), row * (high - 0.04) / rows, frame)
        for k in range(int(rng.integers(2, 6)) if row < rows else 0):
            size = (wide / 7, 0.25, float(rng.uniform(0.12, 0.9 * high / rows)))
            facets += box(
                (wide * (k + 0.7) / 6 - wide / 2, -0.05),
                size,
                row * (high - 0.04) / rows + 0.04,
                textures.plain(rng, rng.uniform(0.05, 0.95, 3), 16, 0.15),
            )
    for x in (-wide / 2, wide / 2):
        facets += box((x, 0), (0.05, 0.4, high), 0, frame)
    return facets


def _sign(rng: np.random.Generator) -> list[Facet]:
    face = textures.lettering(rng, _colour(rng), rng.uniform(0, 1, 3), 96)
    wide, high = float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.6, 1.2))
    low = float(rng.uniform(0.0, 0.15)) if rng.random() < 0.6 else float(rng.uniform(0.7, 1.2))
    facets = box((0, 0), (wide, 0.06, high), low, face, turn=float(rng.uniform(-25, 25)))
    return facets + box((0, 0.06), (0.07, 0.07, low + 0.1), 0, textures.plain(rng, np.full(3, 0.45), 16))


def _car(rng: np.random.Generator) -> list[Facet]:
    colour = _colour(rng) if rng.random() < 0.6 else np.full(3, rng.choice([0.9, 0.08, 0.6]))
    body, glass = tuple(float(c) for c in colour), (0.12, 0.15, 0.18)
    length, roof, mirror = float(rng.uniform(3.6, 4.5)), float(rng.uniform(1.35, 1.6)), -1 if rng.random() < 0.5 else 1
    shift = float(rng.uniform(-1.4, 1.4))

    def side(outline: list[tuple[float, float]], tone: tuple[float, ...], y: float, shade: float = 1.0) -> Facet:
        points = [(mirror * (x - 0.5) * length + shift, y, z) for x, z in outline]
        return Facet(np.array(points), tone, None, shade)  # type: ignore[arg-type]

    hull = [
        (0.0, 0.3),
        (0.0, 0.72),
        (0.03, 0.85),
        (0.22, 0.92),
        (0.36, roof),
        (0.72, roof),
        (0.9, 0.95),
        (1.0, 0.8),
        (1.0, 0.3),
    ]
    cabin = [(0.25, 0.94), (0.37, roof - 0.06), (0.53, roof - 0.06), (0.53, 0.94)]
    rear = [(0.55, 0.94), (0.55, roof - 0.06), (0.71, roof - 0.06), (0.85, 0.94)]
    lower = [(0.0, 0.3), (0.0, 0.45), (1.0, 0.45), (1.0, 0.3)]
    facets = [side(hull, body, 0.9, 0.8), side(hull, body, 0.0), side(lower, body, -0.01, 0.7)]
    facets += [side(cabin, glass, -0.02), side(rear, glass, -0.02)]
    for x in (0.19, 0.8):
        for radius, tone in ((0.33, (0.05, 0.05, 0.05)), (0.19, (0.55, 0.55, 0.57))):
            ring = [
                (x + radius / length * np.cos(t), 0.33 + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 15)[:-1]
            ]
            facets.append(side(ring, tone, -0.03 - 0.01 * (radius < 0.3)))
    return facets


def _plant(rng: np.random.Generator) -> list[Facet]:
    green = np.array([0.27, 0.37, 0.21]) * rng.uniform(0.7, 1.4)
    r, h = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.3, 0.6))
    pot = round_solid((0, 0.05), (r * 0.75, r), (0, h), textures.plain(rng, _colour(rng), 32))
    tall, wide = float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.8, 1.4))
    return [
        *pot,
        *(
            board(float(rng.normal(0, 0.07)), -y, h * 0.75, wide, tall, sprites.foliage(rng, green))
            for y in (0.02, 0.12)
        ),
    ]


def _hedge(rng: np.random.Generator) -> list[Facet]:
    green = np.array([0.27, 0.37, 0.21]) * rng.uniform(0.7, 1.4)
    high = float(rng.uniform(0.6, 1.15))
    facets = box((0, 0), (3.2, 0.5, high * 0.85), 0, textures.leaves(rng, green, 128))
    return facets + [board(x, -0.26, 0, 1.1, high * 1.15, sprites.foliage(rng, green)) for x in (-1.2, -0.4, 0.4, 1.2)]


def _pillar(rng: np.random.Generator) -> list[Facet]:
    r = float(rng.uniform(0.12, 0.3))
    skin = textures.tiles(rng, _colour(rng), 64, int(rng.integers(2, 9)), 1, 0)
    if rng.random() < 0.5:
        return box((0, 0), (2 * r, 2 * r, 4.5), 0, skin, turn=float(rng.uniform(-30, 30)))
    return round_solid((0, 0), (r, r), (0, 4.5), skin)


def _tree(rng: np.random.Generator) -> list[Facet]:
    r = float(rng.uniform(0.12, 0.24))
    bark = textures.planks(rng, np.array([0.35, 0.28, 0.21]) * rng.uniform(0.6, 1.3), 64, 16, True)
    green = np.array([0.27, 0.37, 0.21]) * rng.uniform(0.7, 1.4)
    crown = [
        board(float(rng.normal(0, 0.4)), -0.2, float(rng.uniform(1.3, 1.9)), 2.2, 1.8, sprites.foliage(rng, green))
        for _ in range(2)
    ]
    return round_solid((0, 0), (r * 1.25, r, r), (0, 0.3, 3.5), bark) + crown


def _bicycle(rng: np.random.Generator) -> list[Facet]:
    return [
        board(0.25 * k, 0.25 * k, 0, 1.75, 1.05, sprites.bicycle(rng, rng.uniform(0.05, 0.9, 3)))
        for k in range(int(rng.integers(1, 4)))
    ]


def _barrier(rng: np.random.Generator) -> list[Facet]:
    wide, high = float(rng.uniform(1.6, 2.6)), float(rng.uniform(0.8, 1.1))
    a, b = ((0.9, 0.9, 0.88), (0.8, 0.12, 0.1)) if rng.random() < 0.5 else (tuple(_colour(rng)), tuple(_colour(rng)))
    facets: list[Facet] = []
    rails = int(rng.integers(2, 6))
    for rail in range(rails):
        z = high * (rail + 0.6) / rails
        for k in range(8):
            x = (k - 4) * wide / 8
            thick = high / rails * 0.55
            points = np.array([[x, 0, z], [x + wide / 8, 0, z], [x + wide / 8, 0, z - thick], [x, 0, z - thick]])
            facets.append(Facet(points, a if k % 2 else b))  # type: ignore[arg-type]
    for x in (-wide / 2, wide / 2):
        facets += box((x, 0), (0.08, 0.08, high), 0, textures.plain(rng, np.full(3, 0.35), 16))
    return facets


def _wall(rng: np.random.Generator) -> list[Facet]:
    wide, high = float(rng.uniform(0.9, 2.5)), float(rng.uniform(0.7, 1.25)) if rng.random() < 0.6 else 3.0
    skin = textures.tiles(rng, _colour(rng), 96, int(rng.integers(4, 14)), int(rng.integers(2, 7)), 0.5)
    return box((wide / 2 * float(rng.choice([-1, 1])) * 0.5, 0), (wide, 0.25, high), 0, skin)


def _suitcase(rng: np.random.Generator) -> list[Facet]:
    facets: list[Facet] = []
    for k in range(int(rng.integers(1, 4))):
        size = (float(rng.uniform(0.4, 0.6)), 0.3, float(rng.uniform(0.6, 0.95)))
        skin = textures.planks(rng, _colour(rng), 64, int(rng.integers(5, 9)), True)
        facets += box((k * 0.5 - 0.3, float(rng.normal(0, 0.1))), size, 0.05, skin, turn=float(rng.uniform(-30, 30)))
    return facets


def _banner(rng: np.random.Generator) -> list[Facet]:
    wide, high = float(rng.uniform(1.0, 2.4)), float(rng.uniform(0.35, 0.8))
    return [board(0, 0, 0, wide, high, textures.lettering(rng, _colour(rng), rng.uniform(0, 1, 3), 96))]


def _branch(rng: np.random.Generator) -> list[Facet]:
    green = np.array([0.27, 0.37, 0.21]) * rng.uniform(0.7, 1.4)
    return [
        board(float(rng.normal(0, 0.4)), 0.05 * k, float(rng.uniform(-0.1, 0.3)), 1.5, 0.9, sprites.foliage(rng, green))
        for k in range(3)
    ]


def _umbrella(rng: np.random.Generator) -> list[Facet]:
    return [
        board(
            0,
            0,
            0,
            float(rng.uniform(0.9, 1.25)),
            float(rng.uniform(0.4, 0.6)),
            sprites.umbrella(rng, rng.uniform(0.05, 0.95, 3), rng.uniform(0.05, 0.95, 3)),
        )
    ]


_MAKERS: dict[str, Callable[[np.random.Generator], list[Facet]]] = {
    "banner": _banner,
    "barrier": _barrier,
    "bicycle": _bicycle,
    "bin": _bin,
    "branch": _branch,
    "car": _car,
    "cart": _cart,
    "cartons": _cartons,
    "hedge": _hedge,
    "pillar": _pillar,
    "plant": _plant,
    "shelf": _shelf,
    "sign": _sign,
    "suitcase": _suitcase,
    "tree": _tree,
    "umbrella": _umbrella,
    "wall": _wall,
}
_OVERHEAD = ("banner", "branch", "umbrella")

KINDS = (*_MAKERS, PERSON)
"""All kinds of occluders."""
TRAIN_KINDS = ("barrier", "bicycle", "bin", "branch", "cartons", "hedge", "plant", "sign", "tree", PERSON)
TEST_KINDS = ("banner", "car", "cart", "pillar", "shelf", "suitcase", "umbrella", "wall")
"""Which kinds hide people in training and in the test of the second edition: no kind does both."""


@lru_cache(maxsize=1024)
def make_occluder(kind: str, number: int, side: str, seed: int) -> Occluder:
    """The occluder of that kind and number; ``side`` is ``"train"`` or ``"test"``."""
    rng = np.random.default_rng(
        np.random.SeedSequence([seed, Stream.OCCLUDERS, KINDS.index(kind), number, int(side == "test")])
    )
    facets = () if kind == PERSON else tuple(_MAKERS[kind](rng))
    return Occluder(kind, f"{kind}-{side}-{number:02d}", facets, kind in _OVERHEAD, number)
