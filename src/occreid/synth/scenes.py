"""What a camera sees when nobody is there: ground, walls, buildings, plants, parked things; drawn once."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from occreid.synth import textures
from occreid.synth.cameras import PICTURE, Camera
from occreid.synth.solids import Facet, Window, draw

WHOLE = Window(0.0, 0.0, 1.0, 1.0)


def _ground(camera: Camera, texture: np.ndarray, metres: float) -> np.ndarray:
    """The picture of an endless floor whose texture repeats every so many metres."""
    width, height = PICTURE
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    a = (u - width / 2) / camera.focal
    b = (v - height / 2) / camera.focal
    angle = np.radians(camera.pitch)
    c, s = np.cos(angle), np.sin(angle)
    drop = np.maximum(s + b * c, 1e-3)
    distance = camera.height / drop
    x, y = a * distance, (c - b * s) * distance
    size = texture.shape[0]
    across, along = ((d / metres * size % size).astype(np.float32) for d in (x, y))
    return cv2.remap(texture, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


@lru_cache(maxsize=16)
def background(camera: Camera) -> np.ndarray:
    """The whole picture of an empty scene: uint8 RGB (720, 1280, 3)."""
    rng = np.random.default_rng(camera.seed)
    tone = rng.uniform(0.35, 0.75) * (1 + rng.normal(0, 0.04, 3))
    picture = _ground(camera, textures.tiles(rng, tone, 256, 4, 4, 0.5), 2.4)
    wall = float(camera.far + rng.uniform(1.5, 6))
    colour = rng.uniform(0.3, 0.85) * (1 + rng.normal(0, 0.07, 3))
    for k in range(-8, 9):
        face = np.array([[k * 3, wall, 6], [k * 3 + 3, wall, 6], [k * 3 + 3, wall, 0], [k * 3, wall, 0]])
        draw(picture, [Facet(face, (0.5, 0.5, 0.5), textures.tiles(rng, colour, 128, 12, 6, 0.5))], camera, WHOLE, 0.9)
    return picture
