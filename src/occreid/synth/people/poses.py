"""Believable poses: a gait cycle with arm swing, standing, and what people do with their arms.

Angles in degrees. A pose is a rotation per bone, made from the directions in which limbs should point, so
that it does not depend on how far apart the rest pose holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.people.bodies import BodyAssets, FloatArray
from occreid.synth.people.posing import between, rotation

ARMS = ("swing", "phone", "strap", "carry", "pocket", "folded", "call")


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment of a person's movement.

    Attributes:
        phase: of the gait cycle, 0…1; the left heel strikes at 0.
        stride: 0 stands, 1 walks briskly.
        left, right: what each arm does, one of `ARMS`.
        lean: trunk bent forward; nod, look: head down and to the left; sway: trunk to the side.
        spread: how far the feet stand apart.
    """

    phase: float
    stride: float
    left: str
    right: str
    lean: float
    nod: float
    look: float
    sway: float
    spread: float


def draw_pose(rng: np.random.Generator) -> Pose:
    """A random pose, mostly walking."""
    stride = float(rng.uniform(0.55, 1.1)) if rng.random() < 0.75 else float(rng.uniform(0.0, 0.15))
    arms = [str(rng.choice(ARMS, p=[0.76, 0.05, 0.04, 0.05, 0.05, 0.02, 0.03])) for _ in range(2)]
    nod = float(rng.normal(6, 7)) + (14.0 if "phone" in arms else 0.0)
    return Pose(
        phase=float(rng.random()),
        stride=stride,
        left=arms[0],
        right=arms[1],
        lean=float(rng.normal(3, 3)),
        nod=nod,
        look=float(rng.normal(0, 18)),
        sway=float(rng.normal(0, 2)),
        spread=float(rng.uniform(0, 5) + (4 if stride < 0.2 else 0)),
    )


def draw_livelier_pose(rng: np.random.Generator) -> Pose:
    """A random pose of the second edition: also slow steps and runs, leaning, turning, more work for the arms."""
    gait = rng.random()
    stride = float(rng.uniform(0.4, 1.15) if gait < 0.72 else rng.uniform(0.0, 0.2) if gait < 0.95 else 1.45)
    arms = [str(rng.choice(ARMS, p=[0.62, 0.09, 0.06, 0.09, 0.07, 0.03, 0.04])) for _ in range(2)]
    return Pose(
        phase=float(rng.random()),
        stride=stride,
        left=arms[0],
        right=arms[1],
        lean=float(rng.normal(4, 5)) + (8.0 if stride > 1.2 else 0.0),
        nod=float(rng.normal(8, 10)) + (14.0 if "phone" in arms else 0.0),
        look=float(rng.normal(0, 26)),
        sway=float(rng.normal(0, 4)),
        spread=float(rng.uniform(0, 6) + (5 if stride < 0.2 else 0)),
    )


def _bump(phase: float, center: float, width: float) -> float:
    distance = (phase - center + 0.5) % 1.0 - 0.5
    return float(np.exp(-0.5 * (distance / width) ** 2))


def _down(forward: float, outward: float) -> FloatArray:
    """The direction of a hanging limb swung forward and outward (towards +x)."""
    f, o = np.radians(forward), np.radians(outward)
    return np.array([np.sin(o) * np.cos(f), -np.sin(f), -np.cos(f) * np.cos(o)])


def _leg(phase: float, stride: float) -> tuple[float, float, float]:
    """Hip flexion, knee flexion and foot pitch (toes up) of a leg in its cycle (after Perry, Gait Analysis)."""
    hip = stride * (7 + 21 * np.cos(2 * np.pi * phase))
    knee = 3 + stride * (13 * _bump(phase, 0.14, 0.07) + 58 * _bump(phase, 0.73, 0.095))
    pitch = stride * (14 * _bump(phase, 0.0, 0.06) - 42 * _bump(phase, 0.6, 0.08))
    return float(hip), float(knee), float(pitch)


def _arm(kind: str, swing: float) -> tuple[FloatArray, FloatArray]:
    """Directions of the left upper arm and forearm, in the trunk's frame."""
    elbow = 14 + 0.5 * max(swing, 0)
    poses = {
        "swing": (_down(swing, 9), _down(swing + elbow, 4)),
        "phone": (_down(18, 7), _down(118, -28)),
        "call": (_down(25, 28), np.array([-0.35, -0.35, 0.87])),
        "strap": (_down(-4, 20), np.array([-0.35, -0.55, 0.76])),
        "carry": (_down(2, 10), _down(82, -10)),
        "pocket": (_down(-12, 18), _down(14, -8)),
        "folded": (_down(16, 12), np.array([-0.86, -0.48, 0.18])),
    }
    upper, lower = poses[kind]
    return upper, lower


def pose_turns(pose: Pose, assets: BodyAssets, heads: FloatArray) -> dict[str, FloatArray]:
    """Rotation of each bone for `posing.bone_transforms`; heads: (J, 3) joints of the rest pose."""
    turns: dict[str, FloatArray] = {}
    twist = 7 * pose.stride * float(np.cos(2 * np.pi * pose.phase))  # shoulders turn against the pelvis
    turns["pelvis"] = rotation("z", -0.6 * twist) @ rotation("y", 2.5 * pose.stride * np.sin(2 * np.pi * pose.phase))
    for name in ("spine_01", "spine_02", "spine_03"):
        turns[name] = rotation("z", 0.55 * twist) @ rotation("x", pose.lean / 3) @ rotation("y", pose.sway / 3)
    turns["neck_01"] = rotation("x", pose.nod * 0.5) @ rotation("z", pose.look * 0.4)
    turns["head"] = rotation("x", pose.nod * 0.5) @ rotation("z", pose.look * 0.6)
    mirror = np.array([-1.0, 1.0, 1.0])
    for side, kind, offset in (("l", pose.left, 0.0), ("r", pose.right, 0.5)):
        flip = np.ones(3) if side == "l" else mirror
        where = {
            name: heads[assets.bone(f"{name}_{side}")] * flip
            for name in ("upperarm", "lowerarm", "hand", "thigh", "calf", "foot")
        }
        phase = (pose.phase + offset) % 1.0
        swing = -3 - 24 * pose.stride * float(np.cos(2 * np.pi * phase))
        upper, lower = _arm(kind, swing)
        limb = _limb(where["lowerarm"] - where["upperarm"], where["hand"] - where["lowerarm"], upper, lower)
        hip, knee, pitch = _leg(phase, pose.stride)
        leg = _limb(
            where["calf"] - where["thigh"],
            where["foot"] - where["calf"],
            _down(hip, pose.spread),
            _down(hip - knee, pose.spread),
        )
        level = leg[1].T @ leg[0].T @ rotation("x", -pitch)  # the sole stays level unless the gait tips it
        local = {"upperarm": limb[0], "lowerarm": limb[1], "thigh": leg[0], "calf": leg[1], "foot": level}
        for name, turn in local.items():
            turns[f"{name}_{side}"] = turn * np.outer(flip, flip)
        for finger in ("index", "middle", "ring", "pinky"):  # relaxed hands
            _curl(turns, assets, heads, finger, side)
    return turns


def _curl(turns: dict[str, FloatArray], assets: BodyAssets, heads: FloatArray, finger: str, side: str) -> None:
    """Bend a finger towards the palm, about the line that runs across the hand."""
    across = heads[assets.bone(f"index_01_{side}")] - heads[assets.bone(f"pinky_01_{side}")]
    axis = across / np.linalg.norm(across) * (1 if side == "l" else -1)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    for joint, degrees in (("01", 22.0), ("02", 34.0), ("03", 22.0)):
        angle = np.radians(degrees)
        turns[f"{finger}_{joint}_{side}"] = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def _limb(
    first: FloatArray, second: FloatArray, want_first: FloatArray, want_second: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Rotations of a two-bone limb whose rest directions are given, so that it points as wanted."""
    upper = between(first, want_first)
    return upper, between(second, upper.T @ want_second)
