"""Hair cuts and hats: caps grown from the scalp, trimmed helper hair, and blobs for buns, tails and brims."""

from __future__ import annotations

import numpy as np

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.bodies import FloatArray, load_assets, neutral_vertices
from occreid.synth.people.coordinates import scalp
from occreid.synth.people.garments import shell
from occreid.synth.people.mesh import Material, Piece, blob
from occreid.synth.people.posing import vertex_normals

_THICKNESS = {
    "crop": 0.005,
    "short": 0.014,
    "full": 0.026,
    "bob": 0.018,
    "long": 0.014,
    "ponytail": 0.010,
    "bun": 0.010,
}


def _cap(rest: FloatArray, material: Material, line: FloatArray, thickness: float) -> Piece:
    assets = load_assets()
    grown = np.clip(line / 0.03, 0, 1) ** 0.5 * thickness + 0.002
    vertices = rest + vertex_normals(rest, assets.faces["body"]) * grown[:, None].astype(np.float32)
    return shell(vertices, "body", line > -0.02, material, line)


def _head_bone(rest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of the head bone, and the crown and the back of this head."""
    assets = load_assets()
    weights = np.zeros(len(assets.bones), np.float32)
    weights[assets.bone("head")] = 1.0
    head = (neutral_vertices()[:, 2] > 0.85) & (np.arange(len(rest)) < 13380)
    back = rest[head][rest[head][:, 1].argmax()]
    crown = rest[head][rest[head][:, 2].argmax()]
    return weights, crown, back


def hair_pieces(rest: FloatArray, look: Appearance) -> list[Piece]:
    """The hair of a person in rest pose (V, 3)."""
    if look.hair == "bald":
        return []
    pieces = [_cap(rest, Material.HAIR, scalp(neutral_vertices()), _THICKNESS[look.hair])]
    weights, crown, back = _head_bone(rest)
    if look.hair in ("long", "bob"):
        z = neutral_vertices()[:, 2]
        length = 0.80 if look.hair == "bob" else 0.62 + 0.1 * look.body.muscle
        y = neutral_vertices()[:, 1]
        cut = np.minimum(z - length, y + 0.115 - np.clip(0.99 - z, -1, 0) * 3)
        pieces.append(shell(rest, "helper-hair", z > length - 0.1, Material.HAIR, cut, two_sided=True))
    if look.hair == "ponytail":
        pieces.append(blob(back + np.array([0, 0.035, 0.03]), (0.026, 0.028, 0.03), weights, Material.HAIR))
        pieces.append(blob(back + np.array([0, 0.052, -0.075]), (0.024, 0.022, 0.105), weights, Material.HAIR))
    if look.hair == "bun":
        pieces.append(
            blob(np.array([0, back[1] + 0.01, crown[2] - 0.05]), (0.045, 0.042, 0.042), weights, Material.HAIR)
        )
    return pieces


def hat_pieces(rest: FloatArray, look: Appearance) -> list[Piece]:
    """Cap, beanie or sun hat."""
    if look.hat == "none":
        return []
    place = neutral_vertices()
    line = place[:, 2] - np.interp(place[:, 1], [-0.15, 0.08], [0.972, 0.945]).astype(np.float32)
    line = np.where(place[:, 2] < 0.9, -1, line)
    thick = {"cap": 0.022, "beanie": 0.028, "sunhat": 0.028}[look.hat]
    pieces = [_cap(rest, Material.HAT, line, thick)]
    weights, crown, back = _head_bone(rest)
    front = 2 * crown[1] - back[1]
    if look.hat == "cap":
        pieces.append(
            blob(np.array([0, front - 0.065, crown[2] - 0.065]), (0.075, 0.085, 0.008), weights, Material.HAT)
        )
    if look.hat == "sunhat":
        pieces.append(
            blob(np.array([0, crown[1] - 0.01, crown[2] - 0.075]), (0.19, 0.20, 0.012), weights, Material.HAT)
        )
    return pieces
