"""Textured solids in perspective: lists of flat facets, drawn far to near with OpenCV.

A facet's texture is warped into place; facets without one are filled with their colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from occreid.synth.bodies import FloatArray
from occreid.synth.cameras import Camera


@dataclass(frozen=True, slots=True)
class Facet:
    """A flat piece of a solid.

    Attributes:
        points: (k, 3) corners in metres; four of them, top left first and clockwise, when textured.
        colour: (3,) in [0, 1].
        texture: uint8 (h, w, 3), or None.
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
    for low, (r0, r1) in enumerate(zip(radii[:-1], radii[1:], strict=True)):
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


def _fill(shape: tuple[int, ...], outline: FloatArray) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 1, shift=4)
    return mask


def silhouette(facets: list[Facet], camera: Camera, window: Window, height: int, width: int) -> np.ndarray:
    """Where the solid covers the canvas: (height, width) uint8 of 0 and 1."""
    mask = np.zeros((height, width), np.uint8)
    for facet in facets:
        cv2.fillPoly(mask, [np.round(_outline(facet, camera, window) * 16).astype(np.int32)], 1, shift=4)
    return mask


def draw(canvas: np.ndarray, facets: list[Facet], camera: Camera, window: Window, light: float) -> None:
    """Draw a solid into a uint8 RGB canvas, far facets first.

    Closed solids hide their own back, so facets turned away are left out where they carry a texture.
    """
    order = sorted(facets, key=lambda f: -float(np.linalg.norm(f.points.mean(0) - (0, 0, camera.height))))
    height, width = canvas.shape[:2]
    for facet in order:
        outline = _outline(facet, camera, window)
        if facet.texture is None:
            rgb = np.clip(np.array(facet.colour) * facet.shade * light * 255, 0, 255).tolist()
            cv2.fillPoly(canvas, [np.round(outline * 16).astype(np.int32)], rgb, shift=4)
            continue
        if (
            not _faces_camera(outline)
            or outline.max(0).min() < 0
            or outline[:, 0].min() > width
            or outline[:, 1].min() > height
        ):
            continue
        _warp(canvas, facet, outline, light)


def _warp(canvas: np.ndarray, facet: Facet, outline: FloatArray, light: float) -> None:
    height, width = canvas.shape[:2]
    x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + 1, (width, height))
    if x1 <= x0 or y1 <= y0:
        return
    assert facet.texture is not None
    th, tw = facet.texture.shape[:2]
    corners = np.array([[0, 0], [tw, 0], [tw, th], [0, th]], np.float32)
    local = (outline - np.array([x0, y0])).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, local)
    size = (int(x1 - x0), int(y1 - y0))
    patch = cv2.warpPerspective(facet.texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = _fill((size[1], size[0]), local).astype(bool)
    shaded = np.minimum(patch.astype(np.float32) * (facet.shade * light), 255)
    canvas[y0:y1, x0:x1][mask] = shaded[mask].astype(np.uint8)
