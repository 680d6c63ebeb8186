"""Textured solids in perspective: lists of flat facets, drawn far to near with OpenCV.

A facet's texture is warped into place; facets without one are filled with their colour.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene.cameras import Camera


@dataclass(frozen=True, slots=True)
class Facet:
    """A flat piece of a solid.

    Attributes:
        points: (k, 3) corners in metres; four of them, top left first and clockwise, when textured.
        colour: (3,) in [0, 1].
        texture: uint8 (h, w, 3), or (h, w, 4) where alpha cuts a shape out, or None.
        shade: brightness relative to a facet that looks at the camera.
    """

    points: FloatArray
    colour: tuple[float, float, float]
    texture: np.ndarray | None = None
    shade: float = 1.0


def box(
    center: tuple[float, float],
    size: tuple[float, float, float],
    bottom: float,
    texture: np.ndarray,
    *,
    turn: float = 0.0,
) -> list[Facet]:
    """A box: front, sides and top; size is width, depth, height in metres; turn in degrees about the vertical."""
    w, d, h = size[0] / 2, size[1] / 2, size[2]
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        return (center[0] + c * x - s * y, center[1] + s * x + c * y, bottom + z)

    sides = [((-w, -d), (w, -d)), ((w, -d), (w, d)), ((w, d), (-w, d)), ((-w, d), (-w, -d))]
    facets = [
        Facet(np.array([at(*a, h), at(*b, h), at(*b, 0), at(*a, 0)]), (0.5, 0.5, 0.5), texture, shade)
        for (a, b), shade in zip(sides, (1.0, 0.78, 0.6, 0.7), strict=True)
    ]
    top = np.array([at(-w, d, h), at(w, d, h), at(w, -d, h), at(-w, -d, h)])
    return [*facets, Facet(top, (0.5, 0.5, 0.5), texture, 1.15)]


def round_solid(
    center: tuple[float, float],
    radii: tuple[float, ...],
    heights: tuple[float, ...],
    texture: np.ndarray,
    sides: int = 10,
) -> list[Facet]:
    """A turned solid (bin, pillar, pot, cone): a radius at each height."""
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    columns = np.array_split(np.arange(texture.shape[1]), sides)
    facets = []
    for low, (r0, r1) in enumerate(itertools.pairwise(radii)):
        for k in range(sides):
            a, b = angle[k], angle[k + 1]

            def at(r: float, t: float, z: float) -> tuple[float, float, float]:
                return (center[0] + r * np.cos(t), center[1] + r * np.sin(t), z)

            z0, z1 = heights[low], heights[low + 1]
            points = np.array([at(r1, a, z1), at(r1, b, z1), at(r0, b, z0), at(r0, a, z0)])
            shade = 0.72 + 0.34 * float(np.cos((a + b) / 2 + 2.2))
            facets.append(Facet(points, (0.5, 0.5, 0.5), texture[:, columns[k]], shade))
    lid = np.array(
        [(center[0] + radii[-1] * np.cos(t), center[1] + radii[-1] * np.sin(t), heights[-1]) for t in angle[:-1]]
    )
    mean = tuple(float(x) / 255 for x in texture.mean((0, 1)))
    return [*facets, Facet(lid, mean, None, 0.9)]  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a camera's picture that a canvas shows: left, top in picture pixels; scales to canvas pixels."""

    left: float
    top: float
    scale_x: float
    scale_y: float

    def place(self, uv: FloatArray) -> FloatArray:
        """Picture pixels (N, 2) → canvas pixels (N, 2)."""
        return (uv - np.array([self.left, self.top], np.float32)) * np.array([self.scale_x, self.scale_y], np.float32)


def _outline(facet: Facet, camera: Camera, window: Window) -> FloatArray:
    uv, _ = camera.project(facet.points)
    return np.clip(window.place(uv), -4000, 4000)


def _faces_camera(outline: FloatArray) -> bool:
    x, y = outline[:, 0], outline[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) > 0


def draw(
    canvas: np.ndarray,
    facets: list[Facet],
    camera: Camera,
    window: Window,
    light: float,
    cover: np.ndarray | None = None,
) -> None:
    """Draw a solid into a uint8 RGB canvas, far facets first.

    Closed solids hide their own back, so textured facets turned away from the camera are left out.

    Args:
        canvas: (H, W, 3), changed in place.
        facets: of one solid or of many.
        camera: whose picture it is.
        window: which part of it the canvas shows.
        light: brightness of a facet that looks at the camera.
        cover: (H, W) uint8, set to 1 where something was drawn.
    """
    for facet in sorted(facets, key=lambda f: -float(np.linalg.norm(f.points.mean(0) - (0, 0, camera.height)))):
        outline = _outline(facet, camera, window)
        patch = _patch(facet, outline, canvas.shape[:2], light)
        if patch is None:
            continue
        area, colours, mask = patch
        canvas[area][mask] = colours[mask] if colours.ndim == 3 else colours
        if cover is not None:
            cover[area][mask] = 1


def silhouette(facets: list[Facet], camera: Camera, window: Window, height: int, width: int) -> np.ndarray:
    """Where `draw` would draw: (height, width) uint8 of 0 and 1."""
    cover = np.zeros((height, width), np.uint8)
    for facet in facets:
        patch = _patch(facet, _outline(facet, camera, window), cover.shape, 1.0)
        if patch is not None:
            cover[patch[0]][patch[2]] = 1
    return cover


def _patch(
    facet: Facet, outline: FloatArray, shape: tuple[int, ...], light: float
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray] | None:
    """The rows and columns a facet touches, their colours and where it covers them; None when it is not seen."""
    if facet.texture is not None and not _faces_camera(outline):
        return None
    x0, y0 = (max(int(v), 0) for v in np.floor(outline.min(0)))
    x1, y1 = (min(int(v) + 1, limit) for v, limit in zip(np.ceil(outline.max(0)), (shape[1], shape[0]), strict=True))
    if x1 <= x0 or y1 <= y0:
        return None
    area, size = (slice(y0, y1), slice(x0, x1)), (x1 - x0, y1 - y0)
    local = (outline - np.array([x0, y0])).astype(np.float32)
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(local * 16).astype(np.int32)], 1, shift=4)
    if facet.texture is None:
        return (
            area,
            np.clip(np.array(facet.colour) * facet.shade * light * 255, 0, 255).astype(np.uint8),
            mask.astype(bool),
        )
    tall, wide = facet.texture.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, local)
    picture = cv2.warpPerspective(facet.texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    covered = mask.astype(bool)
    if picture.shape[2] == 4:
        covered &= picture[..., 3] > 127
    shaded = np.minimum(picture[..., :3] * np.float32(facet.shade * light), 255).astype(np.uint8)
    return area, shaded, covered


def moved(facets: tuple[Facet, ...] | list[Facet], x: float, y: float, z: float = 0.0) -> list[Facet]:
    """The same solid somewhere else."""
    offset = np.array([x, y, z])
    return [Facet(f.points + offset, f.colour, f.texture, f.shade) for f in facets]


def board(x: float, y: float, low: float, width: float, height: float, texture: np.ndarray) -> Facet:
    """An upright rectangle that faces the camera, centred on x, its lower edge at ``low``; alpha cuts it out."""
    w = width / 2
    points = np.array([[x - w, y, low + height], [x + w, y, low + height], [x + w, y, low], [x - w, y, low]])
    return Facet(points, (0.5, 0.5, 0.5), texture)
