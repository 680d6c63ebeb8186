"""Colour of every pixel of a person: skin and face, cloth with its pattern, hair, shoes; then light.

Letters: M pixels of one material.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.bodies import FloatArray
from occreid.synth.looks import Cloth, Colour, Look
from occreid.synth.mesh import Material
from occreid.synth.places import scalp


@dataclass(frozen=True, slots=True)
class Spots:
    """What the pixels of one material know: place (M, 3), arm, along, around (M,)."""

    place: FloatArray
    arm: FloatArray
    along: FloatArray
    around: FloatArray


def _lerp(a: FloatArray, b: Colour, share: np.ndarray) -> FloatArray:
    return a + (np.array(b, np.float32) - a) * share[:, None].astype(np.float32)


def _flat(colour: Colour, count: int) -> FloatArray:
    return np.tile(np.array(colour, np.float32), (count, 1))


def _soft(value: FloatArray, width: float) -> FloatArray:
    """0 below −width, 1 above width."""
    return np.clip(value / (2 * width) + 0.5, 0, 1)


def cloth_colour(cloth: Cloth, spots: Spots, front: FloatArray) -> FloatArray:
    """Colours (M, 3) of a patterned cloth; ``front`` (M,) is 1 where a chest print may lie."""
    base = _flat(cloth.colour, len(spots.along))
    s, w, period = spots.along, spots.around, cloth.scale
    rng = np.random.default_rng(cloth.seed)
    if cloth.pattern == "stripes":
        share = float(rng.uniform(0.3, 0.6))
        return _lerp(base, cloth.second, ((s / period) % 1.0 < share).astype(np.float32))
    if cloth.pattern == "pinstripes":
        return _lerp(base, cloth.second, 0.6 * ((w / (period * 0.45)) % 1.0 < 0.3))
    if cloth.pattern == "checks":
        down, across = (s / period) % 1.0 < 0.5, (w / period) % 1.0 < 0.5
        return _lerp(base, cloth.second, 0.5 * down + 0.4 * across)
    if cloth.pattern == "dots":
        row = np.floor(s / period)
        u, v = (w / period + 0.5 * (row % 2)) % 1.0 - 0.5, (s / period) % 1.0 - 0.5
        return _lerp(base, cloth.second, (u * u + v * v < 0.07).astype(np.float32))
    if cloth.pattern == "camouflage":
        waves = [(rng.uniform(20, 60), rng.uniform(20, 60), rng.uniform(0, 6)) for _ in range(5)]
        noise = np.sum([np.sin(a * s + b * w + c) for a, b, c in waves], axis=0)
        return _lerp(_lerp(base, cloth.second, noise > 0.4), (0.5, 0.5, 0.5), 0.5 * (noise < -1.2))
    if cloth.pattern == "denim":
        fade = np.clip(0.35 - 2.5 * np.abs(np.abs(w) - 0.03), 0, 1) * np.clip(1 - np.abs(s - 0.75) * 2.2, 0, 1)
        return _lerp(base, (0.75, 0.8, 0.86), fade)
    if cloth.pattern == "blocks":
        return _lerp(base, cloth.second, _block(rng, spots))
    if cloth.pattern == "print":
        return _lerp(base, cloth.second, _print(rng, spots) * front)
    return base


def _block(rng: np.random.Generator, spots: Spots) -> FloatArray:
    kind = int(rng.integers(3))
    if kind == 0:
        return (spots.arm > 0.02).astype(np.float32)  # sleeves of another colour
    low = float(rng.uniform(0.12, 0.3))
    if kind == 1:
        return ((spots.along > low) & (spots.along < low + rng.uniform(0.06, 0.16))).astype(np.float32)
    return (spots.along > low + 0.08).astype(np.float32)


def _print(rng: np.random.Generator, spots: Spots) -> FloatArray:
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


def _upper(look: Look, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    front = (y < -0.02).astype(np.float32)
    up = look.upper
    closed = (
        up.cloth
        if not up.open
        else Cloth(
            up.cloth.colour,
            up.cloth.second,
            "plain" if up.cloth.pattern == "print" else up.cloth.pattern,
            up.cloth.scale,
            up.cloth.seed,
        )
    )
    colour = cloth_colour(closed, spots, front)
    trunk = spots.arm < 0.02
    if up.open:
        gap = up.open * np.interp(z, [0.1, 0.7], [1.25, 0.55])
        inside = front * trunk * (np.abs(x) < gap)
        colour = _lerp(colour, up.cloth.second, inside)
        colour *= 1 - 0.3 * (front * trunk * (np.abs(np.abs(x) - gap) < 0.008))[:, None]
    elif up.kind in ("shirt", "jacket", "coat", "polo"):
        seam = front * trunk * (np.abs(x) < 0.006) * ((z > 0.55) if up.kind == "polo" else 1.0)
        colour *= 1 - 0.35 * seam[:, None]
    if up.kind in ("shirt", "polo"):
        colour *= 1 - 0.18 * (trunk & (z > 0.735) & (z < 0.752))[:, None]  # the collar's lower edge
    if look.bag == "backpack":
        strap = trunk * front * (np.abs(np.abs(x) - np.interp(z, [0.4, 0.72], [0.145, 0.095])) < 0.021) * (z > 0.40)
        strap = np.maximum(strap, trunk * (1 - front) * (np.abs(np.abs(x) - 0.095) < 0.021) * (z > 0.62))
        colour = _lerp(colour, tuple(0.8 * c for c in look.bag_colour), strap)  # type: ignore[arg-type]
    if look.bag == "shoulder":
        line = np.abs(z - (0.46 + 1.45 * -x * 0.9)) * 0.6
        colour = _lerp(colour, tuple(0.7 * c for c in look.bag_colour), trunk * (line < 0.018))  # type: ignore[arg-type]
    return colour


def _lower(look: Look, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    colour = cloth_colour(look.lower.cloth, spots, np.zeros(len(x), np.float32))
    if look.lower.kind in ("trousers", "jeans", "shorts"):
        colour *= 1 - 0.25 * ((np.abs(x) < 0.006) & (y < 0) & (z > 0.06))[:, None]
        colour *= 1 - 0.15 * (np.abs(np.abs(spots.around) - 0.125) < 0.004)[:, None]
        if look.upper.hem > 0.2:
            colour = _lerp(colour, (0.12, 0.09, 0.07), (z > 0.275).astype(np.float32))  # belt
    return colour


def _skin(look: Look, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    skin = np.array(look.skin, np.float32)
    colour = _flat(look.skin, len(x))
    face = y < -0.06
    lips = face * np.exp(-((x / 0.021) ** 2) - ((z - 0.858) / 0.0075) ** 2)
    colour = _lerp(colour, (skin[0] * 0.82, skin[1] * 0.55, skin[2] * 0.55), np.clip(lips * 1.3, 0, 1))
    brow = face * np.exp(-(((np.abs(x) - 0.034) / 0.019) ** 2) - ((z - 0.947) / 0.0055) ** 2)
    socket = face * np.exp(-(((np.abs(x) - 0.032) / 0.02) ** 2) - ((z - 0.926) / 0.010) ** 2)
    colour = colour * (1 - 0.35 * socket[:, None])
    dark = tuple(float(c) * 0.8 for c in look.hair_colour)
    colour = _lerp(colour, dark, np.clip(1.1 * brow, 0, 0.9))  # type: ignore[arg-type]
    cheek = face * np.exp(-(((np.abs(x) - 0.045) / 0.025) ** 2) - ((z - 0.885) / 0.025) ** 2)
    colour = colour * (1 + cheek[:, None] * np.array([0.04, -0.06, -0.05], np.float32))
    roots = 0.85 if look.hair != "bald" else 0.25
    colour = _lerp(colour, look.hair_colour, roots * _soft(scalp(spots.place), 0.006) * (z > 0.84))
    if look.body.gender < 0.5 and look.body.muscle > 0.55:
        beard = (y < -0.05) * _soft(0.868 - z, 0.012) * (z > 0.80) * (1 - np.clip(lips * 2, 0, 1))
        colour = _lerp(colour, look.hair_colour, 0.45 * beard)
    return colour


def _eye(look: Look, spots: Spots) -> FloatArray:
    x, z = np.abs(spots.place[:, 0]) - 0.032, spots.place[:, 2] - 0.9255
    return _lerp(_flat((0.8, 0.78, 0.76), len(x)), (0.08, 0.05, 0.04), (x * x + z * z < 0.0075**2).astype(np.float32))


def _hair(look: Look, spots: Spots) -> FloatArray:
    streak = 0.5 + 0.5 * np.sin(spots.place[:, 0] * 420 + 7 * np.sin(spots.place[:, 1] * 90)) * np.cos(
        spots.place[:, 1] * 310
    )
    return _flat(look.hair_colour, len(streak)) * (0.75 + 0.5 * streak)[:, None].astype(np.float32)


def _shoe(look: Look, spots: Spots) -> FloatArray:
    z = spots.place[:, 2]
    colour = _flat(look.shoe_colour, len(z))
    sole = (0.88, 0.88, 0.86) if look.shoes == "sneakers" and look.body.weight > 0.4 else (0.12, 0.11, 0.10)
    return _lerp(colour, sole, (z < -0.797).astype(np.float32))


def _bag(look: Look, spots: Spots) -> FloatArray:
    colour = _flat(look.bag_colour, len(spots.arm))
    z = spots.place[:, 2]
    return colour * (1 - 0.35 * (np.abs(z - 0.45) < 0.06))[:, None]


def albedo(material: np.ndarray, look: Look, spots: Spots) -> FloatArray:
    """Colour (M, 3) of pixels before light; material (M,) as `Material`."""
    painters = {
        Material.SKIN: _skin, Material.EYE: _eye, Material.UPPER: _upper, Material.LOWER: _lower, Material.HAIR: _hair,
        Material.SHOE: _shoe, Material.BAG: _bag, Material.HAT: lambda look, s: _flat(look.hat_colour, len(s.arm)),
    }  # fmt: skip
    out = np.zeros((len(material), 3), np.float32)
    for kind, painter in painters.items():
        mine = np.flatnonzero(material == kind)
        if len(mine):
            part = Spots(spots.place[mine], spots.arm[mine], spots.along[mine], spots.around[mine])
            out[mine] = painter(look, part)
    return out


def _folds() -> FloatArray:
    """A tile of wrinkles, brightness around 0: soft ridges that run across the cloth."""
    rng = np.random.default_rng(7)
    grid = np.fft.fftfreq(128)[:, None] * 128, np.fft.fftfreq(128)[None] * 128
    radius = np.hypot(grid[0] * 1.0, grid[1] * 1.9) + 1e-6
    spectrum = np.exp(-(((radius - 7) / 6) ** 2)) * np.exp(2j * np.pi * rng.random((128, 128)))
    tile = np.real(np.fft.ifft2(spectrum))
    return (tile / tile.std()).astype(np.float32)


_FOLDS = _folds()


def _cloth_light(look: Look, spots: Spots, upper: np.ndarray, seed: int) -> FloatArray:
    """Brightness (M,) of folds, and of places that light hardly reaches: between legs, under a hem."""
    step = 128 / 0.7
    row, column = ((v * step).astype(np.int64) for v in (spots.along, spots.around))
    tile = _FOLDS[(row + seed % 97) % 128, (column + seed % 89) % 128]
    z = spots.place[:, 2]
    bend = np.exp(-(((z + 0.28) / 0.1) ** 2)) + np.exp(-(((z - 0.06) / 0.08) ** 2)) + np.exp(-(((z - 0.3) / 0.12) ** 2))
    depth = np.where(upper, 0.035 + 0.03 * (spots.arm > 0.35) + 0.03 * bend, 0.03 + 0.055 * bend) * (
        0.6 + 18 * look.upper.loose
    )
    light = 1 + depth * tile
    between = np.exp(-np.abs(spots.place[:, 0]) / 0.045) * (z < 0.05)
    hem = np.exp(-np.clip(look.upper.hem - z, 0, 1) / 0.025) * (look.upper.hem < 0.2)
    return light * np.where(upper, 1.0, (1 - 0.4 * between) * (1 - 0.4 * hem))


def _skin_light(look: Look, spots: Spots) -> FloatArray:
    """Brightness (M,): the neck lies in the chin's shade, legs in the hem's, arms in the sleeves'."""
    y, z = spots.place[:, 1], spots.place[:, 2]
    chin = np.exp(-(((z - 0.785) / 0.035) ** 2)) * np.where(y < -0.02, 0.4, 0.2) * (spots.arm < 0)
    leg = np.exp(-np.clip(look.lower.hem - z, 0, 1) / 0.03) * (z < 0.2) * (spots.arm < 0.2)
    sleeve = np.exp(-np.clip(spots.arm - look.upper.sleeve, 0, 1) / 0.06) * (spots.arm > 0)
    return (1 - chin) * (1 - 0.45 * leg) * (1 - 0.4 * sleeve)


def relief(material: np.ndarray, look: Look, spots: Spots, seed: int) -> FloatArray:
    """Brightness (M,) that geometry alone does not give; seed moves the folds from picture to picture."""
    out = np.ones(len(material), np.float32)
    cloth = np.flatnonzero((material == Material.UPPER) | (material == Material.LOWER))
    part = Spots(spots.place[cloth], spots.arm[cloth], spots.along[cloth], spots.around[cloth])
    out[cloth] = _cloth_light(look, part, material[cloth] == Material.UPPER, seed)
    bare = np.flatnonzero(material == Material.SKIN)
    part = Spots(spots.place[bare], spots.arm[bare], spots.along[bare], spots.around[bare])
    out[bare] = _skin_light(look, part)
    return np.clip(out, 0.3, 1.5)


def lit(colour: FloatArray, normal: FloatArray, light: FloatArray, sun: float, sky: float) -> FloatArray:
    """Light a surface: (M, 3) sRGB and unit normals → (M, 3) sRGB; scattered light from above, and a lamp."""
    linear = colour * colour
    direct = np.clip((normal @ np.asarray(light, np.float32) + 0.12) / 1.12, 0, 1)
    around = 0.58 + 0.42 * normal[:, 2]
    return np.sqrt(np.clip(linear * (sky * around + sun * direct)[:, None], 0, 1))
