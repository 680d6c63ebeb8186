"""A dressed person ready to be posed: all surfaces joined once per identity, moved once per picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.bodies import FloatArray, joint_positions, load_assets, neutral_vertices, rest_vertices
from occreid.synth.people.garments import lower_pieces, shell, shoe_pieces, skin_piece, upper_pieces
from occreid.synth.people.hair import hair_pieces, hat_pieces
from occreid.synth.people.mesh import Material, Piece, blob, join
from occreid.synth.people.parts import part_of_faces
from occreid.synth.people.poses import Pose, pose_turns
from occreid.synth.people.posing import bone_transforms, skin, vertex_normals

BODY_VERTICES = 13380
"""Vertices of the bare body; helper geometry follows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A person in rest pose.

    Attributes:
        look: who it is.
        piece: every surface, joined; its weights have two extra columns for what hangs from each hand.
        heads: (J, 3) joints of the rest pose.
        vertices, normals: (3, N) float32, rest pose.
        weights: (J + 2, N) float32.
        keypoints: (17, J, 4), what each bone adds to each COCO keypoint (homogeneous).
        part: (F,) HPNet part 1…4 of every face.
    """

    look: Appearance
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


def _bags(rest: FloatArray, look: Appearance, heads: FloatArray) -> list[Piece]:
    assets = load_assets()
    place = neutral_vertices()
    trunk = (np.abs(place[:, 0]) < 0.12) & (np.arange(len(rest)) < BODY_VERTICES)
    back = float(rest[trunk & (np.abs(place[:, 2] - 0.52) < 0.1), 1].max())
    chest, hip = heads[assets.bone("spine_03")][2], heads[assets.bone("thigh_l")]
    spine, size, side = _one_bone("spine_03"), look.extras.size, look.extras.side
    if look.bag == "backpack":
        main, pocket = (0.15 * size, 0.085 * size, 0.215 * size), (0.11 * size, 0.04, 0.10 * size)
        return [
            blob(np.array([0, back + main[1], chest + 0.07]), main, spine, Material.BAG, square=0.55),
            blob(np.array([0, back + 2 * main[1] - 0.005, chest - 0.01]), pocket, spine, Material.BAG, square=0.5),
        ]
    if look.bag == "shoulder":
        center = np.array([side * (hip[0] + 0.125), 0.03, hip[2] - 0.01])
        radii = (0.055, 0.13 * size, 0.10 * size)
        return [blob(center, radii, _one_bone("pelvis"), Material.BAG, square=0.45)]
    return []


HELD = {"handbag": ((0.05, 0.14, 0.11), 0.5), "plastic": ((0.07, 0.11, 0.17), 0.8), "parcel": ((0.12, 0.17, 0.14), 0.3)}
"""Half sizes in metres and squareness of what hangs from a hand."""
PALM, HANDLE = 0.08, 0.06
"""From the middle of a hand down to its grip, and from there to the upper edge of what it holds, metres."""


def _held(kind: str, material: Material, column: int, columns: int, size: float = 1.0) -> list[Piece]:
    """A thing in a hand, about the origin; it hangs straight down whatever the hand does."""
    if kind not in HELD:
        return []
    radii, square = HELD[kind]
    a, b, c = (size * r for r in radii)
    weights = np.zeros(columns, np.float32)
    weights[column] = 1.0
    return [blob(np.array([0.0, 0.0, -PALM - c - HANDLE]), (a, b, c), weights, material, square=square)]


def build_figure(look: Appearance) -> Figure:
    """Dress the body of a look: about 60 ms."""
    assets = load_assets()
    rest = rest_vertices(look.body)
    heads = joint_positions(rest)
    pieces = [skin_piece(rest, look), *_eyes(rest), *upper_pieces(rest, look), *lower_pieces(rest, look, heads)]
    pieces += [*shoe_pieces(rest, look), *hair_pieces(rest, look), *hat_pieces(rest, look), *_bags(rest, look, heads)]
    hands, extras = len(assets.bones), look.extras
    padded = [_pad(piece) for piece in pieces]
    padded += _held(look.bag, Material.BAG, hands, hands + 2, extras.size)
    padded += _held(extras.carried, Material.CARRIED, hands + 1, hands + 2)
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
    return replace(piece, weights=np.pad(piece.weights, ((0, 0), (0, 2))))


def pose_figure(figure: Figure, pose: Pose) -> Posed:
    """Move a figure into a pose, feet on the ground."""
    assets = load_assets()
    transforms = bone_transforms(assets, figure.heads, pose_turns(pose, assets, figure.heads))
    held = []
    for side in "lr":
        hand = assets.bone(f"hand_{side}")
        palm = figure.heads[hand] + 0.5 * (figure.heads[assets.bone(f"middle_01_{side}")] - figure.heads[hand])
        held.append(np.concatenate([np.eye(3), (transforms[hand] @ np.append(palm, 1.0))[:, None]], axis=1))
    moves = np.concatenate([transforms, np.stack(held).astype(np.float32)])
    vertices, normals = skin(figure.vertices, figure.normals, figure.weights, moves)
    keypoints = np.einsum("jab,kjb->ka", transforms, figure.keypoints)
    lift = np.array([0, 0, vertices[:, 2].min()], np.float32)
    scale = np.float32(figure.look.scale)
    return Posed((vertices - lift) * scale, normals, (keypoints - lift) * scale)
