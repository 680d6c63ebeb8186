"""Where each vertex of the neutral body is: along which limb, how far round it. Cuts and patterns live here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from occreid.synth.people.bodies import BodyAssets, FloatArray, joint_positions, load_assets, neutral_vertices

SOLE, ANKLE, KNEE, CROTCH, HIP, WAIST, SHOULDER, CHIN, EYES, CROWN = (
    -0.82, -0.74, -0.28, 0.05, 0.18, 0.30, 0.70, 0.81, 0.93, 1.04,
)  # fmt: skip
"""Heights on the neutral body, metres."""
BELOW_SHOULDER = 0.75
"""Height from which a garment's length is counted, metres."""
ARM_LENGTH, ARM_RADIUS, TRUNK_RADIUS, LEG_RADIUS = 0.56, 0.05, 0.17, 0.08
"""Metres of cloth down an arm, and radii about which cloth lies."""
_ARM_BONES = ("upperarm", "lowerarm", "hand", "thumb", "index", "middle", "ring", "pinky")
_LEG_BONES = ("thigh", "calf", "foot", "ball")


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Per vertex of the whole mesh (V,): see `mesh.Piece` for arm, along and around; shares of limbs in [0, 1]."""

    arm: FloatArray
    arm_share: FloatArray
    leg_share: FloatArray
    along: FloatArray
    around: FloatArray


def _share(assets: BodyAssets, names: tuple[str, ...]) -> FloatArray:
    columns = [j for j, bone in enumerate(assets.bones) if bone.split("_")[0] in names]
    return assets.weights[:, columns].sum(1)


def _arm_place(assets: BodyAssets, heads: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fraction of the arm passed (elbow 0.5), and angle about the arm; by mirror image for the right one."""
    p = neutral_vertices() * 1
    p[:, 0] = np.abs(p[:, 0])
    shoulder, elbow, wrist = (heads[assets.bone(f"{name}_l")] for name in ("upperarm", "lowerarm", "hand"))
    upper, lower = elbow - shoulder, wrist - elbow
    t_upper = (p - shoulder) @ upper / (upper @ upper)
    t_lower = (p - elbow) @ lower / (lower @ lower)
    t = np.where(t_lower > 0, 0.5 + 0.5 * t_lower, 0.5 * np.minimum(t_upper, 1.0))
    axis = np.where((t_lower > 0)[:, None], lower / np.linalg.norm(lower), upper / np.linalg.norm(upper))
    off = p - np.where((t_lower > 0)[:, None], elbow, shoulder)
    off = off - (off * axis).sum(1, keepdims=True) * axis
    side = np.cross(axis, np.array([0.0, 1.0, 0.0]))
    angle = np.arctan2(-off[:, 1], (off * side).sum(1))
    return np.clip(t, -0.5, 1.4).astype(np.float32), angle


@lru_cache(maxsize=1)
def load_coordinates() -> Coordinates:
    """Computed once per process."""
    assets = load_assets()
    heads = joint_positions(neutral_vertices())
    p = neutral_vertices()
    arm_share, leg_share = _share(assets, _ARM_BONES), _share(assets, _LEG_BONES)
    t, arm_angle = _arm_place(assets, heads)
    arm = np.where(arm_share > 0.02, t, np.minimum(t, 0.0)).astype(np.float32)
    on_arm, on_leg = arm_share > 0.5, (leg_share > 0.5) & (p[:, 2] < 0.06)
    along = np.where(on_arm, 0.04 + ARM_LENGTH * t, BELOW_SHOULDER - p[:, 2])
    leg_x = np.interp(-p[:, 2], [-0.18, 0.28, 0.74], [0.12, 0.156, 0.204])
    around = TRUNK_RADIUS * np.arctan2(p[:, 0], -p[:, 1])
    around = np.where(on_leg, LEG_RADIUS * np.arctan2(p[:, 0] - np.sign(p[:, 0]) * leg_x, -p[:, 1]), around)
    around = np.where(on_arm, ARM_RADIUS * arm_angle, around)
    return Coordinates(arm, arm_share, leg_share, along.astype(np.float32), around.astype(np.float32))


def scalp(place: FloatArray) -> FloatArray:
    """How far (N,) a point of the head lies above the hairline, metres; negative on the face, ears and neck."""
    x, y, z = place[:, 0], place[:, 1], place[:, 2]
    line = np.interp(
        y, [-0.17, -0.12, -0.085, -0.06, -0.03, 0.03, 0.09], [0.992, 0.985, 0.965, 0.93, 0.905, 0.86, 0.845]
    )
    ear = (np.abs(x) > 0.074) & (y < -0.01) & (y > -0.09) & (z < 0.955)
    return np.where(ear, -0.05, z - line).astype(np.float32)
