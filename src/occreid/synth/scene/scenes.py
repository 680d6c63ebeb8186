"""What a camera sees when nobody is there: ground, walls, buildings, plants, parked things; drawn once."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene import sprites, textures
from occreid.synth.scene.cameras import PICTURE, Camera, ambient
from occreid.synth.scene.occluders import make_occluder
from occreid.synth.scene.solids import Facet, Window, board, draw, moved

WHOLE = Window(0.0, 0.0, 1.0, 1.0)
_FURNITURE = ("bicycle", "bin", "car", "cartons", "hedge", "pillar", "plant", "sign", "tree", "barrier")


def ground(camera: Camera, texture: np.ndarray, metres: float, turn: float) -> np.ndarray:
    """The picture of an endless floor whose texture repeats every so many metres; grey sky above its horizon."""
    width, height = PICTURE
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    a, b = (u - width / 2) / camera.focal, (v - height / 2) / camera.focal
    angle = np.radians(camera.pitch)
    c, s = np.cos(angle), np.sin(angle)
    drop = s + b * c
    distance = camera.height / np.maximum(drop, 1e-3)
    x, y = a * distance, (c - b * s) * distance
    ct, st = np.cos(turn), np.sin(turn)
    size = texture.shape[0]
    across = ((ct * x - st * y) / metres * size % size).astype(np.float32)
    along = ((st * x + ct * y) / metres * size % size).astype(np.float32)
    picture = cv2.remap(texture, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    picture[drop < 0.01] = (205, 212, 220)
    return picture


def grey(rng: np.random.Generator, low: float, high: float) -> FloatArray:
    """A grey between two brightnesses, with a slight cast: (3,)."""
    return np.clip(rng.uniform(low, high) * (1 + rng.normal(0, 0.05, 3)), 0.03, 0.97)


def floor(rng: np.random.Generator, scene: str) -> np.ndarray:
    """What the ground of a scene is made of: a texture."""
    if scene == "park" and rng.random() < 0.6:
        return textures.leaves(rng, np.array([0.36, 0.43, 0.27]) * rng.uniform(0.8, 1.3), 256)
    if scene in ("street", "alley"):
        return textures.paint(grey(rng, 0.28, 0.5), 1 + 0.1 * textures.noise(rng, 256, 256, (8, 32, 64, 128)))
    if scene in ("hall", "station"):
        return textures.tiles(rng, grey(rng, 0.5, 0.85), 256, 3, 3, 0.0, 0.85)
    rows = int(rng.integers(3, 9))
    paving = textures.tiles(rng, grey(rng, 0.42, 0.72), 256, rows, int(rng.integers(2, 6)), float(rng.choice([0, 0.5])))
    if rng.random() < 0.5:  # a band of another stone
        band = textures.tiles(rng, np.array([0.62, 0.42, 0.33]) * rng.uniform(0.7, 1.2), 256, rows, 4, 0.5)
        paving[:, 150:190] = band[:, 150:190]
    return paving


def backdrop(rng: np.random.Generator, camera: Camera, wall: float) -> list[Facet]:
    """Fronts side by side at a distance; each tile 3 to 5 m wide."""
    facets: list[Facet] = []
    scene, x = camera.scene, -16.0
    colour = grey(rng, 0.3, 0.85) if rng.random() < 0.6 else np.array([0.6, 0.38, 0.3]) * rng.uniform(0.6, 1.3)
    while x < 16:
        wide, high = float(rng.uniform(2.5, 5)), float(rng.uniform(3.5, 6))
        if scene in ("park", "plaza", "campus") and rng.random() < 0.6:
            green = np.array([0.27, 0.37, 0.21]) * rng.uniform(0.5, 1.4)
            facets.append(board(x + wide / 2, wall + 1, 0, wide, high, textures.leaves(rng, green, 128)))
        elif scene in ("storefront", "alley") and rng.random() < 0.4:
            dark = textures.plain(rng, grey(rng, 0.05, 0.14), 64, 0.3)
            facets.append(board(x + wide / 2, wall, 0, wide, high, dark))
        else:
            facets.append(board(x + wide / 2, wall, 0, wide, high, sprites.facade(rng, np.clip(colour, 0, 1))))
        x += wide
    return facets


def steps(rng: np.random.Generator, wall: float) -> list[Facet]:
    """Stairs or a kerb before the backdrop."""
    facets: list[Facet] = []
    tone = grey(rng, 0.35, 0.65)
    count, deep = int(rng.integers(1, 6)), 0.35
    for k in range(count):
        y, z = wall - deep * (count - k), 0.15 * k
        for top, shade in ((False, 0.7), (True, 1.1)):
            y1, z0, z1 = (y + deep, z + 0.15, z + 0.15) if top else (y, z, z + 0.15)
            points = np.array([[-16, y1, z1], [16, y1, z1], [16, y, z0], [-16, y, z0]])
            facets.append(Facet(points, tuple(float(c) for c in tone), None, shade))  # type: ignore[arg-type]
    return facets


def lines(rng: np.random.Generator, camera: Camera) -> list[Facet]:
    """Painted road markings."""
    facets: list[Facet] = []
    near, far = camera.near - 3, camera.far + 2
    wide, start = float(rng.uniform(0.12, 0.5)), float(rng.uniform(-3, 2))
    for k in range(int(rng.integers(1, 8))):
        x = k * 2 * wide + start
        points = np.array([[x, far, 0.01], [x + wide, far, 0.01], [x + wide, near, 0.01], [x, near, 0.01]])
        facets.append(Facet(points, (0.72, 0.72, 0.69)))
    return facets


def _furniture(rng: np.random.Generator, camera: Camera, wall: float) -> list[list[Facet]]:
    """Things that stand about behind where people walk, farthest first."""
    count = int(rng.integers(5, 15))
    kinds = rng.choice(_FURNITURE, 3, replace=False)
    spots = sorted(
        ((float(rng.uniform(-7, 7)), float(rng.uniform(camera.far + 0.8, wall - 0.3))) for _ in range(count)),
        key=lambda p: -p[1],
    )
    return [
        moved(make_occluder(str(rng.choice(kinds)), int(rng.integers(1 << 20)), "scene", camera.seed).facets, x, y)
        for x, y in spots
    ]


@lru_cache(maxsize=16)
def background(camera: Camera) -> np.ndarray:
    """The whole picture of an empty scene: uint8 RGB (720, 1280, 3)."""
    rng = np.random.default_rng(camera.seed)
    picture = ground(camera, floor(rng, camera.scene), float(rng.uniform(1.6, 3.2)), float(rng.uniform(0, 1.6)))
    wall = float(camera.far + rng.uniform(2.0, 6.5))
    light = ambient(camera)
    if camera.scene in ("street", "station") or rng.random() < 0.2:
        draw(picture, lines(rng, camera), camera, WHOLE, 1.0)
    picture = np.clip(picture * np.float32(light), 0, 255).astype(np.uint8)
    draw(picture, backdrop(rng, camera, wall), camera, WHOLE, light)
    if rng.random() < 0.55:
        draw(picture, steps(rng, wall), camera, WHOLE, light)
    for thing in _furniture(rng, camera, wall):
        draw(picture, thing, camera, WHOLE, light)
    cloud = 1 + 0.12 * textures.noise(rng, PICTURE[1], PICTURE[0], (2, 4, 6))
    return np.clip(picture * cloud[..., None], 0, 255).astype(np.uint8)
