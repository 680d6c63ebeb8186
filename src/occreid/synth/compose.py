"""One picture: stand a figure before a camera, light it, hide a part of it, and write down what is seen.

The canvas has 1.5 times the rows and columns of the image; it is extended beyond the image where the image
cuts the person, so that what is cut counts as not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from occreid.synth.bodies import FloatArray
from occreid.synth.cameras import Camera
from occreid.synth.figure import Figure, pose_figure
from occreid.synth.labels import keypoint_rows, part_of_faces, visible_fractions
from occreid.synth.occluders import Occluder
from occreid.synth.poses import draw_pose
from occreid.synth.posing import rotation
from occreid.synth.raster import Hits, rasterize
from occreid.synth.scenes import background
from occreid.synth.sensor import expose
from occreid.synth.shading import Spots, albedo, lit
from occreid.synth.solids import Facet, Window, draw, silhouette

IMAGE = (128, 256)
"""Width and height of an image."""
CANVAS = (192, 384)
_HIDDEN = (0.15, 0.70)
"""An occluder hides at least and at most this share of the person."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture and its labels.

    Attributes:
        image: (256, 128, 3) uint8 RGB.
        mask: (256, 128) uint8 of 0…4.
        visible: fraction of each part.
        keypoints: 51 values, see `labels.keypoint_rows`.
        occluder: what hides the person, or None.
    """

    image: np.ndarray
    mask: np.ndarray
    visible: list[float]
    keypoints: list[float]
    occluder: Occluder | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure in the world: projected vertices (N, 2), their distance (N,), normals (N, 3), keypoints."""

    figure: Figure
    uv: FloatArray
    depth: FloatArray
    normals: FloatArray
    world: FloatArray
    keypoint_uv: FloatArray
    keypoint_depth: FloatArray
    spot: FloatArray


def stand(figure: Figure, camera: Camera, spot: FloatArray, rng: np.random.Generator) -> Standing:
    """Pose a figure and stand it on a spot (2,) of the ground."""
    posed = pose_figure(figure, draw_pose(rng))
    turn = rotation("z", float(rng.uniform(0, 360))).astype(np.float32)
    shift = np.array([spot[0], spot[1], 0], np.float32)
    world = posed.vertices @ turn.T + shift
    uv, depth = camera.project(world)
    keypoint_uv, keypoint_depth = camera.project(posed.keypoints @ turn.T + shift)
    return Standing(figure, uv, depth, posed.normals @ turn.T, world, keypoint_uv, keypoint_depth, spot)


def _window(person: Standing, rng: np.random.Generator) -> Window:
    """A detector's box around a person, a little off, sometimes without the feet."""
    low, high = person.uv.min(0), person.uv.max(0)
    tall = float(high[1] - low[1])
    top = low[1] - tall * rng.uniform(0.0, 0.07)
    bottom = high[1] + tall * (rng.uniform(-0.01, 0.06) if rng.random() < 0.93 else rng.uniform(-0.2, -0.05))
    width = max((bottom - top) * 0.5 * rng.uniform(0.82, 1.12), float(high[0] - low[0]) * rng.uniform(0.94, 1.1))
    left = float(low[0] + high[0]) / 2 - width / 2 + rng.normal(0, 0.03) * width
    return Window(left, float(top), CANVAS[0] / width, CANVAS[1] / float(bottom - top))


def _margin(person: Standing, window: Window) -> tuple[int, int, int, int]:
    """Canvas pixels (left, top, right, bottom) by which the person leaves the canvas; multiples of three."""
    xy = window.place(person.uv)
    low, high = -xy.min(0), xy.max(0) - np.array(CANVAS)
    left, top, right, bottom = (int(np.clip(-(-x // 3) * 3, 0, 600)) for x in (low[0], low[1], high[0], high[1]))
    return left, top, right, bottom


def _trace(person: Standing, window: Window) -> tuple[Hits, tuple[int, int, int, int], tuple[int, int]]:
    left, top, right, bottom = _margin(person, window)
    height, width = CANVAS[1] + top + bottom, CANVAS[0] + left + right
    xy = window.place(person.uv) + np.array([left, top], np.float32)
    piece = person.figure.piece
    hits = rasterize(xy, person.depth, piece.faces, piece.two_sided, piece.cut, height, width)
    return hits, (left, top, right, bottom), (height, width)


def _paint(person: Standing, hits: Hits, camera: Camera) -> FloatArray:
    piece, faces = person.figure.piece, person.figure.piece.faces[hits.face]
    table = np.concatenate(
        [person.normals, piece.place, piece.arm[:, None], piece.along[:, None], piece.around[:, None]], axis=1
    )
    values = np.einsum("mk,mkc->mc", hits.shares, table[faces], optimize=False)
    normal = values[:, :3] / np.maximum(np.linalg.norm(values[:, :3], axis=1, keepdims=True), 1e-6)
    spots = Spots(values[:, 3:6], values[:, 6], values[:, 7], values[:, 8])
    colour = albedo(piece.material[hits.face], person.figure.look, spots)
    return lit(colour, normal, np.array(camera.light), camera.sun, camera.sky)


def _crop(grid: np.ndarray, margin: tuple[int, int, int, int]) -> np.ndarray:
    left, top, _, _ = margin
    return grid[top : top + CANVAS[1], left : left + CANVAS[0]]


def _to_image(grid: np.ndarray) -> np.ndarray:
    """Labels of the canvas (or of its extension) at the image's pixels."""
    rows = ((np.arange(grid.shape[0] * 2 // 3) + 0.5) * 1.5).astype(int)
    columns = ((np.arange(grid.shape[1] * 2 // 3) + 0.5) * 1.5).astype(int)
    return np.ascontiguousarray(grid[np.ix_(rows, columns)])


def _shadow(canvas: np.ndarray, person: Standing, camera: Camera, window: Window) -> None:
    light = np.array(camera.light)
    flat = person.world[::3].copy()
    flat[:, :2] -= flat[:, 2:] * (light[:2] / max(float(light[2]), 0.3))
    flat[:, 2] = 0
    xy = window.place(camera.project(flat)[0]).astype(int)
    inside = (xy >= 0).all(1) & (xy[:, 0] < CANVAS[0]) & (xy[:, 1] < CANVAS[1])
    mask = np.zeros((CANVAS[1], CANVAS[0]), np.float32)
    mask[xy[inside, 1], xy[inside, 0]] = 1
    mask = cv2.GaussianBlur(cv2.dilate(mask, np.ones((7, 7), np.uint8)), (0, 0), 3)
    strength = 0.25 + 0.45 * camera.sun / (camera.sun + camera.sky)
    canvas[:] = (canvas * (1 - strength * mask[..., None])).astype(np.uint8)


def _moved(facets: tuple[Facet, ...], x: float, y: float) -> list[Facet]:
    offset = np.array([x, y, 0.0])
    return [Facet(f.points + offset, f.colour, f.texture, f.shade) for f in facets]


def _hide(
    thing: Occluder, person: Standing, body: np.ndarray, camera: Camera, window: Window, rng: np.random.Generator
) -> list[Facet]:
    """Put a thing before a person such that it hides neither too little nor too much of it."""
    best: tuple[float, list[Facet]] = (np.inf, [])
    for _ in range(12):
        near = float(person.spot[1] - rng.uniform(0.5, 1.4))
        across = float(person.spot[0]) * near / float(person.spot[1]) + float(rng.normal(0, 0.45))
        facets = _moved(thing.facets, across, near)
        hidden = silhouette(facets, camera, window, *body.shape).astype(bool)
        share = float((hidden & body).sum() / max(body.sum(), 1))
        miss = max(_HIDDEN[0] - share, share - _HIDDEN[1], 0.0)
        if miss < best[0]:
            best = (miss, facets)
        if miss == 0.0:
            break
    return best[1]


def take(figure: Figure, camera: Camera, thing: Occluder | None, rng: np.random.Generator) -> Picture:
    """Take one picture of a figure, with ``thing`` before it unless that is None."""
    depth = float(rng.uniform(camera.near, camera.far))
    spot = np.array([float(rng.uniform(-0.3, 0.3)) * depth, depth])
    person = stand(figure, camera, spot, rng)
    window = _window(person, rng)
    hits, margin, shape = _trace(person, window)
    matrix = np.array(
        [[window.scale_x, 0, -window.left * window.scale_x], [0, window.scale_y, -window.top * window.scale_y]]
    )
    canvas = cv2.warpAffine(background(camera), matrix, CANVAS, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    _shadow(canvas, person, camera, window)
    whole, surface = np.zeros(shape, np.uint8), np.full(shape, np.inf, np.float32)
    whole.flat[hits.pixel] = part_of_faces(figure)[hits.face]
    surface.flat[hits.pixel] = hits.depth
    drawn = np.zeros((*shape, 3), np.uint8)
    drawn.reshape(-1, 3)[hits.pixel] = (_paint(person, hits, camera) * 255).astype(np.uint8)
    seen = _crop(whole, margin).copy()
    canvas[seen > 0] = _crop(drawn, margin)[seen > 0]
    if thing is not None:
        facets = _hide(thing, person, seen > 0, camera, window, rng)
        draw(canvas, facets, camera, window, 0.6 * camera.sun + camera.sky)
        seen[silhouette(facets, camera, window, CANVAS[1], CANVAS[0]) > 0] = 0
    mask = _to_image(seen)
    xy = window.place(person.keypoint_uv)
    keypoints = keypoint_rows(xy, person.keypoint_depth, _crop(surface, margin), seen > 0, IMAGE)
    return Picture(expose(canvas, camera, rng), mask, visible_fractions(_to_image(whole), mask), keypoints, thing)
