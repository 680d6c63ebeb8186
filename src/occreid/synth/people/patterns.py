"""Patterns of cloth, painted in cloth coordinates so that they move with the body.

Letters: M pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from occreid.synth.people.appearance import Cloth, Colour
from occreid.synth.people.bodies import FloatArray
from occreid.synth.people.spots import Spots
from occreid.synth.people.textiles import KNOWN, textile_colour


def lerp(a: FloatArray, b: Colour, share: np.ndarray) -> FloatArray:
    """Colours (M, 3) moved towards one colour by a share (M,)."""
    return a + (np.array(b, np.float32) - a) * share[:, None].astype(np.float32)


def flat(colour: Colour, count: int) -> FloatArray:
    """One colour for all (count, 3)."""
    return np.tile(np.array(colour, np.float32), (count, 1))


def _stripes(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    return (spots.along / cloth.scale) % 1.0 < rng.uniform(0.3, 0.6)


def _pinstripes(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    return 0.6 * ((spots.around / (cloth.scale * 0.45)) % 1.0 < 0.3)


def _checks(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    down, across = (spots.along / cloth.scale) % 1.0 < 0.5, (spots.around / cloth.scale) % 1.0 < 0.5
    return 0.5 * down + 0.4 * across


def _dots(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    row = np.floor(spots.along / cloth.scale)
    u, v = (spots.around / cloth.scale + 0.5 * (row % 2)) % 1.0 - 0.5, (spots.along / cloth.scale) % 1.0 - 0.5
    return u * u + v * v < 0.07


def _camouflage(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    waves = [(rng.uniform(20, 60), rng.uniform(20, 60), rng.uniform(0, 6)) for _ in range(5)]
    noise = np.sum([np.sin(a * spots.along + b * spots.around + c) for a, b, c in waves], axis=0)
    return (noise > 0.4) * 1.0 + 0.35 * (noise < -1.2)


def _denim(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    """Faded thighs."""
    front = np.clip(0.35 - 2.5 * np.abs(np.abs(spots.around) - 0.03), 0, 1)
    return front * np.clip(1 - np.abs(spots.along - 0.75) * 2.2, 0, 1)


def _blocks(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    """Sleeves, a chest band or a lower half of another colour."""
    kind = int(rng.integers(3))
    if kind == 0:
        return spots.arm > 0.02
    low = float(rng.uniform(0.12, 0.3))
    if kind == 1:
        return ((spots.along > low) & (spots.along < low + rng.uniform(0.06, 0.16))).astype(np.float32)
    return (spots.along > low + 0.08).astype(np.float32)


def _print(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    """A motif on the chest: a coarse mirrored bitmap, a disc, bars or a bold letter-like shape."""
    x, z = spots.place[:, 0], spots.place[:, 2]
    half, middle = float(rng.uniform(0.06, 0.11)), float(rng.uniform(0.46, 0.54))
    u, v = x / half, (z - middle) / (half * float(rng.uniform(0.5, 1.2)))
    inside = (np.abs(u) < 1) & (np.abs(v) < 1)
    kind = int(rng.integers(4))
    if kind == 0:
        disc = u * u + v * v
        return ((disc < 1) & ~((disc < 0.45) & (disc > 0.2))).astype(np.float32)
    bits = rng.random((8, 6 if kind < 3 else 12)) < 0.55
    bits = np.concatenate([bits, bits[:, ::-1]], axis=1) if kind == 1 else bits
    if kind == 2:
        bits[::2] = False  # lines of lettering
    row = np.clip(((v + 1) / 2 * len(bits)).astype(int), 0, len(bits) - 1)
    column = np.clip(((u + 1) / 2 * bits.shape[1]).astype(int), 0, bits.shape[1] - 1)
    return (inside & bits[row, column]).astype(np.float32)


def _plain(rng: np.random.Generator, cloth: Cloth, spots: Spots) -> np.ndarray:
    return np.zeros(len(spots.along))


_PAINTERS: dict[str, Callable[[np.random.Generator, Cloth, Spots], np.ndarray]] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "dots": _dots,
    "camouflage": _camouflage,
    "denim": _denim,
    "blocks": _blocks,
    "print": _print,
}
PATTERN_NAMES = tuple(_PAINTERS)
_FADED = (0.75, 0.8, 0.86)


def cloth_colour(cloth: Cloth, spots: Spots, front: FloatArray) -> FloatArray:
    """Colours (M, 3) of a patterned cloth; ``front`` (M,) is 1 where a chest print may lie."""
    if cloth.pattern in KNOWN:
        return textile_colour(cloth, spots, cloth.colour)
    share = _PAINTERS[cloth.pattern](np.random.default_rng(cloth.seed), cloth, spots)
    if cloth.pattern == "print":
        share = share * front
    return lerp(flat(cloth.colour, len(spots.along)), _FADED if cloth.pattern == "denim" else cloth.second, share)
