"""A small z-buffer rasteriser for meshes of tiny quads, written with whole-array operations only.

Each quad is covered with a grid of samples a little denser than the pixels, and every sample competes for
its pixel with its depth. A person is some ten thousand quads of a few pixels each: for those this takes less
time than drawing polygon after polygon, and it gives every pixel its place inside its quad.

Letters: N vertices, F faces, S samples, H × W pixels, M pixels that are hit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.people.bodies import FloatArray

_STEPS = np.array([1, 2, 3, 5, 9, 20, 48])
_DENSITY = 1.45  # √2 and a little: a grid this dense leaves no pixel out, however the quad is turned


def _grid(nu: int, nv: int) -> FloatArray:
    """Corner weights (nu · nv, 4) of an even grid over a quad."""
    u, v = np.meshgrid((np.arange(nu) + 0.5) / nu, (np.arange(nv) + 0.5) / nv, indexing="ij")
    u, v = u.ravel(), v.ravel()
    return np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1).astype(np.float32)


_GRIDS = [_grid(int(nu), int(nv)) for nu in _STEPS for nv in _STEPS]
_STARTS = np.cumsum([0] + [len(grid) for grid in _GRIDS])
_ALL_GRIDS = np.concatenate(_GRIDS)


@dataclass(frozen=True, slots=True)
class Hits:
    """What each hit pixel sees.

    Attributes:
        pixel: (M,) index into the flattened (H, W) picture.
        face: (M,) face index.
        shares: (M, 4) float32 weights of the face's corners at that place, rows sum to 1.
        depth: (M,) float32.
    """

    pixel: np.ndarray
    face: np.ndarray
    shares: FloatArray
    depth: FloatArray


def _facing(
    x: FloatArray, y: FloatArray, two_sided: np.ndarray, cut: FloatArray, height: int, width: int
) -> np.ndarray:
    """Indices of the faces that may be seen; x, y, cut: (4, F)."""
    area = (x[2] - x[0]) * (y[3] - y[1]) - (x[3] - x[1]) * (y[2] - y[0])

    def most(a: FloatArray) -> FloatArray:
        return np.maximum(np.maximum(a[0], a[1]), np.maximum(a[2], a[3]))

    keep = ((area < 0) | two_sided) & (most(cut) > 0)
    keep &= (most(x) > 0) & (most(-x) > -width) & (most(y) > 0) & (most(-y) > -height)
    return np.flatnonzero(keep)


def _codes(x: FloatArray, y: FloatArray) -> np.ndarray:
    """Which of `_GRIDS` covers each face (F,) densely enough; x, y: (4, F)."""
    squared = [(x[k] - x[k - 1]) ** 2 + (y[k] - y[k - 1]) ** 2 for k in range(4)]
    along, across = np.sqrt(np.maximum(squared[1], squared[3])), np.sqrt(np.maximum(squared[2], squared[0]))
    steps = [np.minimum(np.searchsorted(_STEPS, e * _DENSITY), len(_STEPS) - 1) for e in (along, across)]
    return steps[0] * len(_STEPS) + steps[1]


def rasterize(
    xy: FloatArray,
    depth: FloatArray,
    faces: np.ndarray,
    two_sided: np.ndarray,
    cut: FloatArray,
    height: int,
    width: int,
) -> Hits:
    """Which face each pixel sees.

    Args:
        xy: (N, 2) pixel coordinates, y down.
        depth: (N,) distance from the camera.
        faces: (F, 4) vertex indices, counter-clockwise seen from outside.
        two_sided: (F,) bool, faces seen from behind too.
        cut: (N,) a garment ends where its interpolated value falls below 0.
        height: of the picture.
        width: of the picture.
    """
    corners = np.stack([xy[:, 0], xy[:, 1], depth, cut]).astype(np.float32)[:, faces.T]  # (4 values, 4 corners, F)
    kept = _facing(corners[0], corners[1], two_sided, corners[3], height, width)
    if not len(kept):
        return Hits(kept, kept, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    corners = corners[:, :, kept]
    codes = _codes(corners[0], corners[1])
    order = np.argsort(codes, kind="stable")
    names, starts = np.unique(codes[order], return_index=True)
    found: list[tuple[np.ndarray, ...]] = []
    for code, chosen in zip(names, np.split(order, starts[1:]), strict=True):
        x, y, z, edge = _GRIDS[code] @ corners[:, :, chosen]  # each (samples, faces)
        ok = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (edge >= 0)
        sample, which = np.nonzero(ok)
        pixel = y[ok].astype(np.int64) * width + x[ok].astype(np.int64)
        found.append((pixel, z[ok], kept[chosen[which]], sample + _STARTS[code]))
    pixel, z, owner, place = (np.concatenate(column) for column in zip(*found, strict=True))
    nearest = np.full(height * width, np.inf, dtype=np.float32)
    np.minimum.at(nearest, pixel, z)
    won = np.flatnonzero(z == nearest[pixel])
    winner = np.full(height * width, -1, dtype=np.int64)
    winner[pixel[won]] = won
    hit = np.flatnonzero(winner >= 0)
    best = winner[hit]
    return Hits(hit, owner[best], _ALL_GRIDS[place[best]], z[best])
