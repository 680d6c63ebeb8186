"""Colour of every pixel of a person: skin and face, cloth with its pattern, hair, shoes; then light.

Letters: M pixels of one material.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from occreid.synth.people.appearance import Appearance, Extras
from occreid.synth.people.bodies import FloatArray
from occreid.synth.people.coordinates import scalp
from occreid.synth.people.mesh import Material
from occreid.synth.people.patterns import cloth_colour, flat, lerp
from occreid.synth.people.spots import Spots

UNDER_HEM, LOWER_FACE, NOSE, GLASSES = 0.06, 0.81, 0.905, 0.926
"""Heights on the neutral body, metres (see `coordinates`)."""
WRIST = 0.96
"""Where a long sleeve ends along the arm."""


def _soft(value: FloatArray, width: float) -> FloatArray:
    """0 below −width, 1 above width."""
    return np.clip(value / (2 * width) + 0.5, 0, 1)


def _upper(look: Appearance, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    front = (y < -0.02).astype(np.float32)
    up = look.upper
    closed = replace(up.cloth, pattern="plain") if up.open and up.cloth.pattern == "print" else up.cloth
    colour = cloth_colour(closed, spots, front)
    trunk = spots.arm < 0.02
    if up.open:
        gap = up.open * np.interp(z, [0.1, 0.7], [1.25, 0.55])
        inside = front * trunk * (np.abs(x) < gap)
        if up.inner is None:
            colour = lerp(colour, up.cloth.second, inside)
        else:
            seen = np.flatnonzero(inside)
            colour[seen] = cloth_colour(up.inner, spots.take(seen), front[seen])
        colour *= 1 - 0.3 * (front * trunk * (np.abs(np.abs(x) - gap) < 0.008))[:, None]
    elif up.kind in ("shirt", "jacket", "coat", "polo"):
        seam = front * trunk * (np.abs(x) < 0.006) * ((z > 0.55) if up.kind == "polo" else 1.0)
        colour *= 1 - 0.35 * seam[:, None]
    if up.kind in ("shirt", "polo"):
        colour *= 1 - 0.18 * (trunk & (z > 0.735) & (z < 0.752))[:, None]  # the collar's lower edge
    if look.bag == "backpack":
        strap = trunk * front * (np.abs(np.abs(x) - np.interp(z, [0.4, 0.72], [0.145, 0.095])) < 0.021) * (z > 0.40)
        strap = np.maximum(strap, trunk * (1 - front) * (np.abs(np.abs(x) - 0.095) < 0.021) * (z > 0.62))
        colour = lerp(colour, tuple(0.8 * c for c in look.bag_colour), strap)  # type: ignore[arg-type]
    if look.bag == "shoulder":
        line = np.abs(z - (0.46 + 1.45 * -x * look.extras.side * 0.9)) * 0.6
        colour = lerp(colour, tuple(0.7 * c for c in look.bag_colour), trunk * (line < 0.018))  # type: ignore[arg-type]
    return colour


def _lower(look: Appearance, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    colour = cloth_colour(look.lower.cloth, spots, np.zeros(len(x), np.float32))
    if look.lower.kind in ("trousers", "jeans", "shorts"):
        colour *= 1 - 0.25 * ((np.abs(x) < 0.006) & (y < 0) & (z > 0.06))[:, None]
        colour *= 1 - 0.15 * (np.abs(np.abs(spots.around) - 0.125) < 0.004)[:, None]
        if look.upper.hem > 0.2:
            colour = lerp(colour, (0.12, 0.09, 0.07), (z > 0.275).astype(np.float32))  # belt
    return colour


def _skin(look: Appearance, spots: Spots) -> FloatArray:
    x, y, z = spots.place.T
    skin = np.array(look.skin, np.float32)
    colour = flat(look.skin, len(x))
    face = y < -0.06
    lips = face * np.exp(-((x / 0.021) ** 2) - ((z - 0.858) / 0.0075) ** 2)
    colour = lerp(colour, (skin[0] * 0.82, skin[1] * 0.55, skin[2] * 0.55), np.clip(lips * 1.3, 0, 1))
    brow = face * np.exp(-(((np.abs(x) - 0.034) / 0.019) ** 2) - ((z - 0.947) / 0.0055) ** 2)
    socket = face * np.exp(-(((np.abs(x) - 0.032) / 0.02) ** 2) - ((z - 0.926) / 0.010) ** 2)
    colour = colour * (1 - 0.35 * socket[:, None])
    dark = tuple(float(c) * 0.8 for c in look.hair_colour)
    colour = lerp(colour, dark, np.clip(1.1 * brow, 0, 0.9))  # type: ignore[arg-type]
    cheek = face * np.exp(-(((np.abs(x) - 0.045) / 0.025) ** 2) - ((z - 0.885) / 0.025) ** 2)
    colour = colour * (1 + cheek[:, None] * np.array([0.04, -0.06, -0.05], np.float32))
    roots = 0.85 if look.hair != "bald" else 0.25
    colour = lerp(colour, look.hair_colour, roots * _soft(scalp(spots.place), 0.006) * (z > 0.84))
    if look.body.gender < 0.5 and look.body.muscle > 0.55:
        beard = (y < -0.05) * _soft(0.868 - z, 0.012) * (z > 0.80) * (1 - np.clip(lips * 2, 0, 1))
        colour = lerp(colour, look.hair_colour, 0.45 * beard)
    return _worn_on_skin(look.extras, spots, colour)


def _worn_on_skin(extras: Extras, spots: Spots, colour: FloatArray) -> FloatArray:
    """Tights, undershirt sleeves, socks, a mask and dark glasses, painted on the skin (M, 3)."""
    x, y, z = spots.place.T
    below = (spots.arm < 0.02) & (z < UNDER_HEM)
    if extras.tights is not None:
        colour = lerp(colour, extras.tights, below)
    if extras.sock is not None:
        colour = lerp(colour, extras.sock[0], below & (z < extras.sock[1]))
    if extras.sleeves is not None:
        colour = lerp(colour, extras.sleeves, (spots.arm > 0.02) & (spots.arm < WRIST))
    face = y < -0.05
    if extras.mask is not None:
        colour = lerp(colour, extras.mask, face & (z < NOSE) & (z > LOWER_FACE))
    if extras.glasses:
        colour = lerp(colour, (0.04, 0.04, 0.05), face & (np.abs(z - GLASSES) < 0.014) & (np.abs(x) > 0.006))
    return colour


def _eye(look: Appearance, spots: Spots) -> FloatArray:
    x, z = np.abs(spots.place[:, 0]) - 0.032, spots.place[:, 2] - 0.9255
    return lerp(flat((0.8, 0.78, 0.76), len(x)), (0.08, 0.05, 0.04), (x * x + z * z < 0.0075**2).astype(np.float32))


def _hair(look: Appearance, spots: Spots) -> FloatArray:
    streak = 0.5 + 0.5 * np.sin(spots.place[:, 0] * 420 + 7 * np.sin(spots.place[:, 1] * 90)) * np.cos(
        spots.place[:, 1] * 310
    )
    return flat(look.hair_colour, len(streak)) * (0.75 + 0.5 * streak)[:, None].astype(np.float32)


def _shoe(look: Appearance, spots: Spots) -> FloatArray:
    z = spots.place[:, 2]
    colour = flat(look.shoe_colour, len(z))
    sole = (0.88, 0.88, 0.86) if look.shoes == "sneakers" and look.body.weight > 0.4 else (0.12, 0.11, 0.10)
    return lerp(colour, sole, (z < -0.797).astype(np.float32))


def _bag(look: Appearance, spots: Spots) -> FloatArray:
    z = spots.place[:, 2]
    if look.extras.bag is None:
        colour = flat(look.bag_colour, len(spots.arm))
    else:
        colour = cloth_colour(look.extras.bag, spots, np.zeros(len(z), np.float32))
    return colour * (1 - 0.35 * (np.abs(z - 0.45) < 0.06))[:, None]


def albedo(material: np.ndarray, look: Appearance, spots: Spots) -> FloatArray:
    """Colour (M, 3) of pixels before light; material (M,) as `Material`."""
    painters = {
        Material.SKIN: _skin, Material.EYE: _eye, Material.UPPER: _upper, Material.LOWER: _lower, Material.HAIR: _hair,
        Material.SHOE: _shoe, Material.BAG: _bag, Material.HAT: lambda look, s: flat(look.hat_colour, len(s.arm)),
        Material.CARRIED: lambda look, s: flat(look.extras.carried_colour, len(s.arm)),
    }  # fmt: skip
    out = np.zeros((len(material), 3), np.float32)
    for kind, painter in painters.items():
        mine = np.flatnonzero(material == kind)
        if len(mine):
            part = spots.take(mine)
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


def _cloth_light(look: Appearance, spots: Spots, upper: np.ndarray, seed: int) -> FloatArray:
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


def _skin_light(look: Appearance, spots: Spots) -> FloatArray:
    """Brightness (M,): the neck lies in the chin's shade, legs in the hem's, arms in the sleeves'."""
    y, z = spots.place[:, 1], spots.place[:, 2]
    chin = np.exp(-(((z - 0.785) / 0.035) ** 2)) * np.where(y < -0.02, 0.4, 0.2) * (spots.arm < 0)
    leg = np.exp(-np.clip(look.lower.hem - z, 0, 1) / 0.03) * (z < 0.2) * (spots.arm < 0.2)
    sleeve = np.exp(-np.clip(spots.arm - look.upper.sleeve, 0, 1) / 0.06) * (spots.arm > 0)
    return (1 - chin) * (1 - 0.45 * leg) * (1 - 0.4 * sleeve)


def relief(material: np.ndarray, look: Appearance, spots: Spots, seed: int) -> FloatArray:
    """Brightness (M,) that geometry alone does not give; seed moves the folds from picture to picture."""
    out = np.ones(len(material), np.float32)
    cloth = np.flatnonzero((material == Material.UPPER) | (material == Material.LOWER))
    part = spots.take(cloth)
    out[cloth] = _cloth_light(look, part, material[cloth] == Material.UPPER, seed)
    bare = np.flatnonzero(material == Material.SKIN)
    part = spots.take(bare)
    out[bare] = _skin_light(look, part)
    return np.clip(out, 0.3, 1.5)


def lit(
    colour: FloatArray, normal: FloatArray, light: FloatArray, sun: float, sky: float, fill: float = 0.58
) -> FloatArray:
    """Light a surface: (M, 3) sRGB and unit normals → (M, 3) sRGB; scattered light, mostly from above, and a lamp."""
    linear = colour * colour
    direct = np.clip((normal @ np.asarray(light, np.float32) + 0.12) / 1.12, 0, 1)
    around = fill + (1 - fill) * normal[:, 2]
    return np.sqrt(np.clip(linear * (sky * around + sun * direct)[:, None], 0, 1))
