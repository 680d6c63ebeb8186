"""Which of HPNet's four parts each face of a dressed person belongs to."""

from __future__ import annotations

import numpy as np

from occreid.synth.people.bodies import load_assets
from occreid.synth.people.coordinates import KNEE
from occreid.synth.people.mesh import Material, Piece

_HEAD, _TORSO, _UPPER_LEG, _LOWER_LEG = 1, 2, 3, 4
_SEAT = 0.16
"""Height on the neutral body above which clothes count as torso, metres."""
_SLEEVE = 0.02
"""How far down the arm a sleeve begins (see `mesh.Piece.arm`)."""


def part_of_faces(piece: Piece) -> np.ndarray:
    """The HPNet part (1…4) of every face (F,) of a dressed body; what is worn or carried belongs to where it is."""
    bones = load_assets().bones
    bone = piece.weights[piece.faces[:, 0]].argmax(1)
    names = [*bones, "held", "held"]
    by_bone = np.array([_part_of_bone(name) for name in names])
    part = by_bone[bone]
    z = piece.place[piece.faces].mean(1)[:, 2]
    cloth = np.isin(piece.material, (Material.UPPER, Material.LOWER, Material.SKIN))
    part = np.where(cloth & (part > _HEAD) & (part != _TORSO), np.where(z < KNEE, _LOWER_LEG, _UPPER_LEG), part)
    trunk = (piece.material == Material.UPPER) | (piece.material == Material.LOWER)
    on_arm = piece.arm[piece.faces].mean(1) > _SLEEVE
    part = np.where(trunk & ~on_arm & (z > _SEAT), _TORSO, part)
    part = np.where(trunk & ~on_arm & (z <= _SEAT) & (part == _TORSO), _UPPER_LEG, part)
    return np.where((piece.material == Material.HAIR) | (piece.material == Material.HAT), _HEAD, part).astype(np.uint8)


def _part_of_bone(name: str) -> int:
    stem = name.split("_")[0]
    if stem in ("head", "neck"):
        return _HEAD
    if stem == "thigh":
        return _UPPER_LEG
    return _LOWER_LEG if stem in ("calf", "foot", "ball") else _TORSO
