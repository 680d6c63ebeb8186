"""Cameras of the second edition: where they hang, their light over the day, and several views of one place.

A camera keeps its place, its ground and its response; the sun, the clouds, the things that stand about and the people
in the distance change, so that an identity is seen under several lightings even by one camera.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene import sprites, textures
from occreid.synth.scene.cameras import PICTURE, SCENES, Camera, ambient
from occreid.synth.scene.occluders import make_occluder
from occreid.synth.scene.scenes import WHOLE, backdrop, floor, grey, ground, lines, steps
from occreid.synth.scene.solids import Facet, board, draw, moved
from occreid.synth.streams import Stream

INDOOR = ("hall", "station")
FURNITURE = ("bicycle", "bin", "cartons", "hedge", "plant", "sign", "tree", "barrier")
"""Only things that also hide people in training: what hides them in the test is seen nowhere else."""
RACKS = 0.5
"""How often bicycles are parked in a row."""
MUTED = (0.1, 0.65)
"""Streets are greyer than the textures: how much of their colour is left."""
CACHED = 96
"""Pictures of empty places kept in memory, 2.8 MB each."""


def draw_site(index: int, seed: int) -> Camera:
    """The camera of that index in a benchmark of the second edition."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.SITES, index]))
    scene = SCENES[(index + seed) % len(SCENES)]
    height, middle = float(rng.uniform(1.5, 4.2)), float(rng.uniform(4.8, 11.0))
    warm, green = float(rng.normal(0.02, 0.025)), float(rng.normal(-0.01, 0.012))
    return Camera(
        index=index,
        scene=scene,
        height=height,
        pitch=float(np.degrees(np.arctan2(height - 0.9, middle)) + rng.normal(0, 1.5)),
        focal=float(middle * rng.uniform(130, 220)),
        near=middle * 0.78,
        far=middle * 1.45,
        light=_light(rng),
        sun=float(rng.uniform(0.1, 0.35) if scene in INDOOR else rng.uniform(0.05, 0.8)),
        sky=float(rng.uniform(0.6, 0.95)),
        tint=(1 + warm, 1 + green, 1 - warm),
        saturation=float(rng.uniform(0.42, 0.9)),
        gamma=float(rng.uniform(0.7, 1.15)),
        blur=float(rng.uniform(0.1, 1.2)),
        noise=float(rng.uniform(0.8, 5.0)),
        detail=float(np.exp(rng.uniform(np.log(0.42), np.log(1.1)))),
        quality=int(rng.integers(45, 95)),
        seed=int(rng.integers(1 << 30)),
        fill=float(rng.uniform(0.6, 0.88)),
        contrast=float(rng.uniform(0.9, 1.25)),
        black=float(max(rng.normal(0.025, 0.03), 0)),
        sharpen=float(max(rng.normal(0.4, 0.4), 0)),
        smear=float(rng.choice([0.0, 0.01, 0.025], p=[0.4, 0.4, 0.2])),
        across=float(rng.uniform(0.55, 1.0)),
        views=3,
    )


def _light(rng: np.random.Generator) -> tuple[float, float, float]:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(20, 75))
    flat = np.cos(elevation)
    return float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), float(np.sin(elevation))


def at_this_hour(camera: Camera, rng: np.random.Generator) -> Camera:
    """The same camera at another time of the day: sun, clouds and white balance differ."""
    if camera.scene in INDOOR:
        sun, sky = camera.sun * rng.uniform(0.7, 1.3), camera.sky * rng.uniform(0.85, 1.1)
    else:
        sun, sky = rng.uniform(0.02, 0.75), camera.sky * rng.uniform(0.8, 1.15)
    warm = float(rng.normal(0, 0.014))
    red, green, blue = camera.tint
    return replace(
        camera,
        light=_light(rng),
        sun=float(sun),
        sky=float(sky),
        tint=(red * (1 + warm), green, blue * (1 - warm)),
        fill=float(np.clip(camera.fill + rng.normal(0, 0.06), 0.5, 0.95)),
    )


def _grain(rng: np.random.Generator, strength: float) -> FloatArray:
    """Roughness of ground and walls, finer than any texture: (720, 1280) around 1."""
    fine = rng.normal(0, 1, (PICTURE[1], PICTURE[0])).astype(np.float32)
    coarse = cv2.resize(
        rng.normal(0, 1, (PICTURE[1] // 4, PICTURE[0] // 4)).astype(np.float32), PICTURE, interpolation=cv2.INTER_CUBIC
    )
    return 1 + strength * (0.7 * fine + 0.6 * coarse)


@lru_cache(maxsize=CACHED)
def _place(camera: Camera) -> tuple[np.ndarray, float]:
    """Ground and fronts of a place, and how far away its fronts are, metres."""
    rng = np.random.default_rng(camera.seed)
    metres = float(rng.uniform(0.9, 3.2))
    picture = ground(camera, _softened(rng, floor(rng, camera.scene)), metres, float(rng.uniform(0, 1.6)))
    light = ambient(camera)
    if camera.scene in ("street", "station") or rng.random() < 0.3:
        draw(picture, lines(rng, camera), camera, WHOLE, 1.0)
    if rng.random() < 0.35:  # a lawn or a bed along the way
        draw(picture, [_strip(rng, camera)], camera, WHOLE, 1.0)
    picture = np.clip(picture * np.float32(light), 0, 255).astype(np.uint8)
    wall = float(camera.far + rng.uniform(1.2, 8.0))
    draw(picture, backdrop(rng, camera, wall), camera, WHOLE, light * float(rng.choice([0.45, 0.8, 1.0])))
    if rng.random() < 0.55:
        draw(picture, steps(rng, wall), camera, WHOLE, light)
    picture = np.clip(picture * _grain(rng, float(rng.uniform(0.03, 0.13)))[..., None], 0, 255).astype(np.uint8)
    return picture, wall


def _softened(rng: np.random.Generator, texture: np.ndarray) -> np.ndarray:
    """A ground's texture with less contrast: seen flat and through haze, joints and leaves nearly vanish."""
    mean = texture.mean((0, 1), keepdims=True)
    return np.clip(mean + (texture - mean) * rng.uniform(0.5, 1.1), 0, 255).astype(np.uint8)


def _strip(rng: np.random.Generator, camera: Camera) -> Facet:
    """A strip of grass, brick or gravel on the ground."""
    green = rng.random() < 0.6
    tone = np.array([0.40, 0.46, 0.30]) if green else grey(rng, 0.35, 0.6) * np.array([1.15, 0.97, 0.9])
    shade = 1 + 0.1 * textures.noise(rng, 256, 256, (8, 32, 64, 128))
    texture = textures.paint(np.clip(tone * rng.uniform(0.8, 1.2), 0, 1), shade)
    if not green:
        texture = textures.tiles(rng, np.clip(tone, 0, 1), 256, int(rng.integers(6, 20)), 4, 0.5, 0.8)
    near, deep = float(rng.uniform(camera.near * 0.7, camera.far + 1)), float(rng.uniform(0.6, 4))
    corners = [[-16, near + deep, 0.01], [16, near + deep, 0.01], [16, near, 0.01], [-16, near, 0.01]]
    return Facet(np.array(corners), (0.4, 0.5, 0.3), np.tile(texture, (1, 6, 1)))


def _rack(rng: np.random.Generator, y: float) -> list[list[Facet]]:
    """Bicycles parked side by side."""
    left, gap = float(rng.uniform(-6, 1)), float(rng.uniform(0.3, 0.8))
    wheels = [sprites.bicycle(rng, rng.uniform(0.03, 0.6, 3)) for _ in range(3)]
    rows = []
    for k in range(int(rng.integers(4, 16))):
        narrow = 1.75 * float(rng.uniform(0.45, 1.0))  # they stand at an angle
        rows.append([board(left + gap * k, y, 0, narrow, 1.05, wheels[k % 3])])
    return rows


@lru_cache(maxsize=4)
def empty_view(camera: Camera, view: int) -> np.ndarray:
    """A camera's whole picture without people, as things stand about in that view: uint8 RGB (720, 1280, 3)."""
    rng = np.random.default_rng(np.random.SeedSequence([camera.seed, Stream.VIEWS, view]))
    empty, wall = _place(camera)
    picture, light = empty.copy(), ambient(camera)
    first = min(camera.far + 0.6, wall - 0.4)
    kinds = rng.choice(FURNITURE, 4, replace=False)
    spots = [
        (float(rng.uniform(-7, 7)), float(rng.uniform(first, wall - 0.2))) for _ in range(int(rng.integers(4, 16)))
    ]
    things = [
        (
            y,
            [
                moved(
                    make_occluder(str(rng.choice(kinds)), int(rng.integers(1 << 20)), "scene", camera.seed).facets, x, y
                )
            ],
        )
        for x, y in spots
    ]
    if rng.random() < RACKS:
        y = float(rng.uniform(first, wall - 0.2))
        things.append((y, _rack(rng, y)))
    for _, rows in sorted(things, key=lambda t: -t[0]):
        for facets in rows:
            draw(picture, facets, camera, WHOLE, light)
    cloud = 1 + float(rng.uniform(0.05, 0.2)) * textures.noise(rng, PICTURE[1], PICTURE[0], (2, 4, 6))
    return np.clip(_greyer(picture, float(rng.uniform(*MUTED))) * cloud[..., None], 0, 255).astype(np.uint8)


def _greyer(picture: np.ndarray, share: float) -> FloatArray:
    """A picture whose colours keep a share of their strength."""
    grey_values = picture.mean(axis=2, keepdims=True, dtype=np.float32)
    return grey_values + (picture - grey_values) * np.float32(share)
