"""A dressed person ready to be posed: all surfaces joined once per identity, moved once per picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.bodies import FloatArray, load_assets, neutral_vertices, rest_vertices
from occreid.synth.garments import lower_pieces, shell, shoe_pieces, skin_piece, upper_pieces
from occreid.synth.hair import hair_pieces, hat_pieces
from occreid.synth.looks import Look
from occreid.synth.mesh import Material, Piece, blob, join
from occreid.synth.poses import Pose, pose_turns
from occreid.synth.posing import bone_transforms, skin, vertex_normals


@dataclass(frozen=True, slots=True)
class Figure:
    """A person in rest pose.

    Attributes:
        look: who it is.
        piece: every surface, joined; its weights have two extra columns for what hangs from each hand.
        heads: (J, 3) joints of the rest pose.
        keypoints: (K, 3, J) such that COCO keypoints follow from the bones (weighted rest positions).
        part: (N, 4) share of each HPNet part per vertex's dominant bone, as a label 1…4 in column 0.
    """

    look: Look
    piece: Piece
    heads: FloatArray
    rest: FloatArray


@dataclass(frozen=True, slots=True)
class Posed:
    """A person at one moment, standing on z = 0 about the origin, facing −y.

    Attributes:
        vertices, normals: (N, 3).
        keypoints: (17, 3) in COCO order.
    """

    vertices: FloatArray
    normals: FloatArray
    keypoints: FloatArray


def _one_bone(name: str) -> FloatArray:
    assets = load_assets()
    weights = np.zeros(len(assets.bones), np.float32)
    weights[assets.bone(name)] = 1.0
    return weights


def _eyes(rest: FloatArray) -> list[Piece]:
    everywhere, open_ = np.ones(len(rest), bool), np.ones(len(rest), np.float32)
    return [shell(rest, f"helper-{side}-eye", everywhere, Material.EYE, open_) for side in "lr"]


def _bags(rest: FloatArray, look: Look, heads: FloatArray) -> list[Piece]:
    assets = load_assets()
    place = neutral_vertices()
    trunk = (np.abs(place[:, 0]) < 0.12) & (np.arange(len(rest)) < 13380)
    back = float(rest[trunk & (np.abs(place[:, 2] - 0.52) < 0.1), 1].max())
    chest, hip = heads[assets.bone("spine_03")][2], heads[assets.bone("thigh_l")]
    if look.bag == "backpack":
        return [
            blob(
                np.array([0, back + 0.085, chest + 0.07]),
                (0.15, 0.085, 0.215),
                _one_bone("spine_03"),
                Material.BAG,
                square=0.55,
            ),
            blob(
                np.array([0, back + 0.165, chest - 0.01]),
                (0.11, 0.04, 0.10),
                _one_bone("spine_03"),
                Material.BAG,
                square=0.5,
            ),
        ]
    if look.bag == "shoulder":
        return [
            blob(
                np.array([hip[0] + 0.125, 0.03, hip[2] - 0.01]),
                (0.055, 0.13, 0.10),
                _one_bone("pelvis"),
                Material.BAG,
                square=0.45,
            )
        ]
    return []


def _hanging(look: Look, bones: int) -> list[Piece]:
    """What is held in the left hand, about the origin; it hangs straight down whatever the hand does."""
    if look.bag not in ("handbag", "plastic"):
        return []
    weights = np.zeros(bones + 1, np.float32)
    weights[bones] = 1.0
    size = (0.05, 0.14, 0.11) if look.bag == "handbag" else (0.07, 0.11, 0.17)
    return [
        blob(
            np.array([0.0, 0.0, -0.08 - size[2] - 0.06]),
            size,
            weights,
            Material.BAG,
            square=0.5 if look.bag == "handbag" else 0.8,
        )
    ]


def build_figure(look: Look) -> Figure:
    """Dress the body of a look: about 60 ms."""
    assets = load_assets()
    rest = rest_vertices(look.body)
    heads = assets.joints @ rest
    pieces = [skin_piece(rest, look), *_eyes(rest), *upper_pieces(rest, look), *lower_pieces(rest, look, heads)]
    pieces += [*shoe_pieces(rest, look), *hair_pieces(rest, look), *hat_pieces(rest, look), *_bags(rest, look, heads)]
    padded = [_pad(piece) for piece in pieces] + _hanging(look, len(assets.bones))
    return Figure(look, join(padded), heads, rest)


def _pad(piece: Piece) -> Piece:
    from dataclasses import replace

    return replace(piece, weights=np.pad(piece.weights, ((0, 0), (0, 1))))


def pose_figure(figure: Figure, pose: Pose) -> Posed:
    """Move a figure into a pose, feet on the ground."""
    assets = load_assets()
    transforms = bone_transforms(assets, figure.heads, pose_turns(pose, assets, figure.heads))
    hand = assets.bone("hand_l")
    palm = figure.heads[hand] + 0.5 * (figure.heads[assets.bone("middle_01_l")] - figure.heads[hand])
    held = np.concatenate([np.eye(3), (transforms[hand] @ np.append(palm, 1.0))[:, None]], axis=1)
    vertices = skin(
        figure.piece.vertices, figure.piece.weights, np.concatenate([transforms, held[None].astype(np.float32)])
    )
    used = np.flatnonzero(assets.keypoints.any(0))
    keypoints = assets.keypoints[:, used] @ skin(figure.rest[used], assets.weights[used], transforms)
    floor = vertices[:, 2].min()
    lift = np.array([0, 0, floor], np.float32)
    scale = np.float32(figure.look.scale)
    vertices = (vertices - lift) * scale
    return Posed(vertices, vertex_normals(vertices, figure.piece.faces), (keypoints - lift) * scale)
