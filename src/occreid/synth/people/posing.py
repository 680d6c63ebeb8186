"""Skeleton and skinning: bone rotations in, posed vertices out.

Letters: J bones, V vertices.
"""

from __future__ import annotations

import numpy as np

from occreid.synth.people.bodies import BodyAssets, FloatArray


def rotation(axis: str, degrees: float) -> FloatArray:
    """Rotation matrix (3, 3) about the world axis ``"x"``, ``"y"`` or ``"z"``, counter-clockwise in degrees.

    >>> rotation("z", 90).round(6).tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    c, s = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis], dtype=np.float64)


def between(source: FloatArray, target: FloatArray) -> FloatArray:
    """The smallest rotation (3, 3) that turns one direction into another (not opposite) one."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1.0 + c)


def bone_transforms(assets: BodyAssets, heads: FloatArray, turns: dict[str, FloatArray]) -> FloatArray:
    """Where each bone goes.

    Args:
        assets: the skeleton.
        heads: (J, 3) joint positions of the rest pose.
        turns: rotation (3, 3) of a bone in world axes, as seen from its parent's rest frame; bones left out stay.

    Returns:
        (J, 3, 4) float32 affine maps from rest to posed positions.
    """
    linear = np.tile(np.eye(3), (len(assets.bones), 1, 1))
    shift = np.zeros((len(assets.bones), 3))
    for j, parent in enumerate(assets.parents):
        turn = turns.get(assets.bones[j], np.eye(3))
        above, moved = (
            (np.eye(3), heads[j]) if parent < 0 else (linear[parent], linear[parent] @ heads[j] + shift[parent])
        )
        linear[j] = above @ turn
        shift[j] = moved - linear[j] @ heads[j]
    return np.concatenate([linear, shift[:, :, None]], axis=2).astype(np.float32)


def skin(
    vertices: FloatArray, normals: FloatArray, weights: FloatArray, transforms: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Linear blend skinning.

    Args:
        vertices: (3, V) float32 of the rest pose.
        normals: (3, V) float32 of the rest pose.
        weights: (J, V) float32.
        transforms: (J, 3, 4) of `bone_transforms`.

    Returns:
        posed vertices (V, 3), and normals (V, 3) turned with them (unit length up to the blending).
    """
    blended = (transforms.reshape(len(transforms), 12).T @ weights).reshape(3, 4, -1)
    turned = [m[:3] * vertices for m in blended]
    moved = np.stack([t[0] + t[1] + t[2] + m[3] for t, m in zip(turned, blended, strict=True)], axis=1)
    facing = np.stack([m[0] * normals[0] + m[1] * normals[1] + m[2] * normals[2] for m in blended], axis=1)
    return moved, facing


def vertex_normals(vertices: FloatArray, faces: np.ndarray) -> FloatArray:
    """Unit normals (V, 3) of a quad mesh, area weighted; vertices of no face get zero."""
    p = vertices.T[:, faces.T]  # (3, 4, F)
    a, b = p[:, 2] - p[:, 0], p[:, 3] - p[:, 1]
    count, corners = len(vertices), faces.T.ravel()
    normals = np.empty((count, 3), np.float32)
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        cross = a[i] * b[j] - a[j] * b[i]
        normals[:, axis] = np.bincount(corners, np.tile(cross, 4), minlength=count)
    length = np.sqrt((normals * normals).sum(1, keepdims=True))
    return normals / np.maximum(length, np.float32(1e-9))
