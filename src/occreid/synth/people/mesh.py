"""`Piece`: a skinned surface with what shading and cutting need; a dressed person is several, joined.

Letters: N vertices, F faces, J bones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from occreid.synth.people.bodies import FloatArray


class Material(IntEnum):
    """What a face is made of; decides how its pixels are coloured."""

    SKIN = 0
    EYE = 1
    UPPER = 2
    LOWER = 3
    HAIR = 4
    SHOE = 5
    BAG = 6
    HAT = 7
    CARRIED = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """One surface of a person.

    Attributes:
        vertices: (N, 3) rest positions, metres.
        weights: (N, J) skinning weights.
        faces: (F, 4) quads.
        material: (F,) `Material` values.
        two_sided: (F,) bool, seen from behind too (skirts, hair, sleeves' ends).
        place: (N, 3) position on the neutral body: where a pattern or a feature is painted.
        arm: (N,) 0 at the shoulder, 1 at the wrist, negative on the trunk.
        along, around: (N,) cloth coordinates in metres: down the garment, and about its axis.
        cut: (N,) the surface ends where this falls below 0.
    """

    vertices: FloatArray
    weights: FloatArray
    faces: np.ndarray
    material: np.ndarray
    two_sided: np.ndarray
    place: FloatArray
    arm: FloatArray
    along: FloatArray
    around: FloatArray
    cut: FloatArray

    def compact(self) -> Piece:
        """The same surface without the vertices that no face uses."""
        used, faces = np.unique(self.faces, return_inverse=True)
        kept = {
            f.name: getattr(self, f.name)[used]
            for f in fields(self)
            if f.name not in ("faces", "material", "two_sided")
        }
        return Piece(faces=faces.reshape(self.faces.shape), material=self.material, two_sided=self.two_sided, **kept)


def join(pieces: list[Piece]) -> Piece:
    """All pieces as one surface."""
    starts = np.cumsum([0] + [len(p.vertices) for p in pieces[:-1]])
    joined = {f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(Piece) if f.name != "faces"}
    faces = np.concatenate([p.faces + start for p, start in zip(pieces, starts, strict=True)])
    return Piece(faces=faces, **joined)


def blob(
    center: FloatArray,
    radii: tuple[float, float, float],
    weights: FloatArray,
    material: Material,
    *,
    square: float = 1.0,
) -> Piece:
    """A superellipsoid: round at ``square=1``, box-like near 0.3; for bags, buns, brims.

    Args:
        center: (3,) in rest-pose metres.
        radii: half sizes along x, y, z.
        weights: (J,) the bones that carry it.
        material: of every face.
        square: exponent of the superellipsoid.
    """
    rings, sectors = 9, 14
    theta = np.linspace(-np.pi / 2, np.pi / 2, rings)[:, None]
    phi = np.linspace(0, 2 * np.pi, sectors, endpoint=False)[None]

    def power(value: FloatArray) -> FloatArray:
        return np.sign(value) * np.abs(value) ** square

    unit = np.stack(
        [
            power(np.cos(theta)) * power(np.cos(phi)),
            power(np.cos(theta)) * power(np.sin(phi)),
            power(np.sin(theta)) * np.ones_like(phi),
        ],
        axis=-1,
    ).reshape(-1, 3)
    r, s = np.meshgrid(np.arange(rings - 1), np.arange(sectors), indexing="ij")
    a, b = r * sectors + s, r * sectors + (s + 1) % sectors
    faces = np.stack([a, b, b + sectors, a + sectors], axis=-1).reshape(-1, 4)
    n = len(unit)
    vertices = (np.asarray(center) + unit * np.array(radii)).astype(np.float32)
    return Piece(
        vertices=vertices,
        weights=np.tile(weights.astype(np.float32), (n, 1)),
        faces=faces,
        material=np.full(len(faces), material),
        two_sided=np.zeros(len(faces), bool),
        place=unit.astype(np.float32),
        arm=np.full(n, -1, np.float32),
        along=vertices[:, 2].copy(),
        around=vertices[:, 0].copy(),
        cut=np.ones(n, np.float32),
    )
