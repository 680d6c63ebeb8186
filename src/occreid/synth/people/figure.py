"""A dressed person ready to be posed: all surfaces joined once per identity, moved once per picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from occreid.synth.people.bodies import FloatArray, joint_positions, load_assets, neutral_vertices, rest_vertices
from occreid.synth.people.garments import lower_pieces, shell, shoe_pieces, skin_piece, upper_pieces
from occreid.synth.people.hair import hair_pieces, hat_pieces
from occreid.synth.people.looks import Look
from occreid.synth.people.mesh import Material, Piece, blob, join
from occreid.synth.people.parts import part_of_faces
from occreid.synth.people.poses import Pose, pose_turns
from occreid.synth.people.posing import bone_transforms, skin, vertex_normals


@dataclass(frozen=True, slots=True)
class Figure:
    """A person in rest pose.

    Attributes:
        look: who it is.
        piece: every surface, joined; its weights have two extra columns for what hangs from each hand.
        heads: (J, 3) joints of the rest pose.
        vertices, normals: (3, N) float32, rest pose.
        weights: (J + 1, N) float32.
        keypoints: (17, J, 4), what each bone adds to each COCO keypoint (homogeneous).
        part: (F,) HPNet part 1…4 of every face.
    """

    look: Look
    piece: Piece
    heads: FloatArray
    vertices: FloatArray
    normals: FloatArray
    weights: FloatArray
    keypoints: FloatArray
    part: np.ndarray


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
    heads = joint_positions(rest)
    pieces = [skin_piece(rest, look), *_eyes(rest), *upper_pieces(rest, look), *lower_pieces(rest, look, heads)]
    pieces += [*shoe_pieces(rest, look), *hair_pieces(rest, look), *hat_pieces(rest, look), *_bags(rest, look, heads)]
    padded = [_pad(piece) for piece in pieces] + _hanging(look, len(assets.bones))
    piece = join(padded)
    normals = vertex_normals(piece.vertices, piece.faces)
    keypoints = _keypoint_shares(rest)
    return Figure(
        look,
        piece,
        heads,
        np.ascontiguousarray(piece.vertices.T),
        np.ascontiguousarray(normals.T),
        np.ascontiguousarray(piece.weights.T),
        keypoints,
        part_of_faces(piece),
    )


def _keypoint_shares(rest: FloatArray) -> FloatArray:
    """Keypoints are means of vertices, vertices means of bones' moves: so (17, J, 4) sums say it all."""
    assets = load_assets()
    homogeneous = np.concatenate([rest, np.ones((len(rest), 1), np.float32)], axis=1)
    shares = []
    for row in assets.keypoints:
        used = np.flatnonzero(row)
        shares.append((assets.weights[used] * row[used, None]).T @ homogeneous[used])
    return np.stack(shares)


def _pad(piece: Piece) -> Piece:
    return replace(piece, weights=np.pad(piece.weights, ((0, 0), (0, 1))))


def pose_figure(figure: Figure, pose: Pose) -> Posed:
    """Move a figure into a pose, feet on the ground."""
    assets = load_assets()
    transforms = bone_transforms(assets, figure.heads, pose_turns(pose, assets, figure.heads))
    hand = assets.bone("hand_l")
    palm = figure.heads[hand] + 0.5 * (figure.heads[assets.bone("middle_01_l")] - figure.heads[hand])
    held = np.concatenate([np.eye(3), (transforms[hand] @ np.append(palm, 1.0))[:, None]], axis=1)
    moves = np.concatenate([transforms, held[None].astype(np.float32)])
    vertices, normals = skin(figure.vertices, figure.normals, figure.weights, moves)
    keypoints = np.einsum("jab,kjb->ka", transforms, figure.keypoints)
    lift = np.array([0, 0, vertices[:, 2].min()], np.float32)
    scale = np.float32(figure.look.scale)
    return Posed((vertices - lift) * scale, normals, (keypoints - lift) * scale)
