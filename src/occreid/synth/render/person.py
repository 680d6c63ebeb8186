"""A figure before a camera: posed, turned, projected, traced into pixels and painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.people.figure import Figure, pose_figure
from occreid.synth.people.poses import Pose, draw_pose
from occreid.synth.people.posing import rotation
from occreid.synth.people.shading import albedo, lit, relief
from occreid.synth.people.spots import Spots
from occreid.synth.render.raster import Hits, rasterize
from occreid.synth.scene.cameras import Camera
from occreid.synth.scene.solids import Window


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure in the world.

    Attributes:
        figure: who.
        world, normals: (N, 3).
        uv: (N, 2) pixels of the camera's whole picture; depth: (N,) metres.
        keypoint_uv, keypoint_depth: (17, 2) and (17,).
        spot: (2,) where on the ground.
        folds: which wrinkles the clothes show.
    """

    figure: Figure
    world: FloatArray
    normals: FloatArray
    uv: FloatArray
    depth: FloatArray
    keypoint_uv: FloatArray
    keypoint_depth: FloatArray
    spot: FloatArray
    folds: int


def stand(
    figure: Figure,
    camera: Camera,
    spot: FloatArray,
    rng: np.random.Generator,
    pose: Callable[[np.random.Generator], Pose] = draw_pose,
) -> Standing:
    """Pose a figure at random and stand it on a spot (2,) of the ground, heading anywhere."""
    posed = pose_figure(figure, pose(rng))
    turn = rotation("z", float(rng.uniform(0, 360))).astype(np.float32)
    shift = np.array([spot[0], spot[1], 0], np.float32)
    world = posed.vertices @ turn.T + shift
    uv, depth = camera.project(world)
    keypoint_uv, keypoint_depth = camera.project(posed.keypoints @ turn.T + shift)
    return Standing(
        figure, world, posed.normals @ turn.T, uv, depth, keypoint_uv, keypoint_depth, spot, int(rng.integers(1 << 16))
    )


def trace(person: Standing, window: Window, height: int, width: int, offset: tuple[int, int] = (0, 0)) -> Hits:
    """Which face of the person each canvas pixel sees; offset (left, top) moves the person right and down."""
    xy = window.place(person.uv) + np.array(offset, np.float32)
    piece = person.figure.piece
    return rasterize(xy, person.depth, piece.faces, piece.two_sided, piece.cut, height, width)


def paint(person: Standing, hits: Hits, camera: Camera) -> np.ndarray:
    """Colours of the hit pixels (M, 3) uint8, lit."""
    piece = person.figure.piece
    faces = piece.faces[hits.face]
    fields = (person.normals, piece.place, piece.arm[:, None], piece.along[:, None], piece.around[:, None])
    table = np.concatenate(fields, axis=1).astype(np.float32)
    values = hits.shares[:, 0, None] * table[faces[:, 0]]
    for k in range(1, 4):
        values += hits.shares[:, k, None] * table[faces[:, k]]
    normal = values[:, :3]
    length = np.sqrt(normal[:, 0] ** 2 + normal[:, 1] ** 2 + normal[:, 2] ** 2)
    normal = normal / np.maximum(length, np.float32(1e-6))[:, None]
    view = person.world.mean(0) - np.array([0, 0, camera.height])
    behind = normal @ (view / np.linalg.norm(view)).astype(np.float32) > 0.25  # the inside of a skirt or of hair
    normal[behind] *= -1
    spots = Spots(values[:, 3:6], values[:, 6], values[:, 7], values[:, 8])
    colour = albedo(piece.material[hits.face], person.figure.look, spots)
    colour *= relief(piece.material[hits.face], person.figure.look, spots, person.folds)[:, None]
    colour[behind] *= 0.7
    shaded = lit(colour, normal, np.array(camera.light), camera.sun, camera.sky, camera.fill)
    return (shaded * 255).astype(np.uint8)


def cast_shadow(canvas: np.ndarray, person: Standing, camera: Camera, window: Window) -> None:
    """Darken the ground where the person keeps the light away, and under the feet."""
    height, width = canvas.shape[:2]
    light = np.array(camera.light, np.float32)
    flat = person.world[::3].copy()
    flat[:, :2] -= flat[:, 2:] * (light[:2] / max(float(light[2]), 0.3))
    feet = person.world[person.world[:, 2] < 0.12][::4]
    mask = np.zeros((height // 2, width // 2), np.float32)
    for points, strength in ((flat, 0.25 + 0.4 * camera.sun / (camera.sun + camera.sky)), (feet, 0.55)):
        points[:, 2] = 0
        xy = (window.place(camera.project(points)[0]) / 2).astype(int)
        inside = (xy >= 0).all(1) & (xy[:, 0] < width // 2) & (xy[:, 1] < height // 2)
        layer = np.zeros_like(mask)
        layer[xy[inside, 1], xy[inside, 0]] = strength
        layer = cv2.GaussianBlur(cv2.dilate(layer, np.ones((4, 4), np.uint8)), (0, 0), 1.6)
        mask = np.maximum(mask, layer)
    mask = cv2.resize(mask, (width, height))
    canvas[:] = (canvas * (1 - mask[..., None])).astype(np.uint8)


def paste(canvas: np.ndarray, person: Standing, camera: Camera, window: Window) -> np.ndarray:
    """Draw a person with a shadow into a canvas; returns where (H, W) bool."""
    height, width = canvas.shape[:2]
    hits = trace(person, window, height, width)
    cast_shadow(canvas, person, camera, window)
    canvas.reshape(-1, 3)[hits.pixel] = paint(person, hits, camera)
    cover = np.zeros(height * width, bool)
    cover[hits.pixel] = True
    return cover.reshape(height, width)
