"""Cameras: where they hang, what light they see and what they do to a picture.

World axes: x to the right, y away from the camera, z up, ground at z = 0; the camera is at (0, 0, height).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.streams import Stream

PICTURE = (1280, 720)
"""Width and height of a camera's whole picture in pixels, of which persons are cropped."""

SCENES = ("plaza", "street", "park", "storefront", "campus", "hall", "station", "alley")


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera.

    Attributes:
        index: zero-based camera id.
        scene: what it looks at, one of `SCENES`.
        height: metres above ground; pitch: degrees it looks down; focal: pixels.
        near, far: metres, where persons walk.
        light: (3,) unit vector towards the lamp or the sun.
        sun, sky: strength of directed and of scattered light.
        tint: gains of red, green and blue; saturation and gamma of its picture.
        blur: standard deviation in pixels of a 128 × 256 crop; noise: of the grey values (0…255).
        detail: share of the 256 crop rows that the sensor resolves.
        quality: JPEG quality of the camera's own stream.
        seed: of its scene.
        fill: share of the scattered light that comes from all around, the rest comes from above.
        contrast, black: slope about middle grey, and how much grey lies over everything (haze, flare).
        sharpen: strength of the camera's own edge enhancement; smear: usual length of motion blur, as a share of
            the width; across: detail along x relative to y.
        views: how many different arrangements of things and people it sees over the day.
    """

    index: int
    scene: str
    height: float
    pitch: float
    focal: float
    near: float
    far: float
    light: tuple[float, float, float]
    sun: float
    sky: float
    tint: tuple[float, float, float]
    saturation: float
    gamma: float
    blur: float
    noise: float
    detail: float
    quality: int
    seed: int
    fill: float = 0.58
    contrast: float = 1.0
    black: float = 0.0
    sharpen: float = 0.0
    smear: float = 0.0
    across: float = 1.0
    views: int = 1

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """World points (N, 3) → pixels of the whole picture (N, 2) and distances along the view (N,)."""
        angle = np.radians(self.pitch)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        up = points[:, 2] - self.height
        ahead = np.maximum(points[:, 1] * c - up * s, 0.05)
        below = -(points[:, 1] * s + up * c)
        u = PICTURE[0] / 2 + self.focal * points[:, 0] / ahead
        v = PICTURE[1] / 2 + self.focal * below / ahead
        return np.stack([u, v], axis=1).astype(np.float32), ahead.astype(np.float32)


def ambient(camera: Camera) -> float:
    """Brightness of an upright surface under this camera's light."""
    return min(0.6 * camera.sun + camera.sky, 1.15)


def draw_camera(index: int, seed: int) -> Camera:
    """The camera of that index in the benchmark of that seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.CAMERAS, index]))
    scene = SCENES[(index + seed) % len(SCENES)]
    indoor = scene in ("hall", "station")
    height, middle = float(rng.uniform(2.0, 4.2)), float(rng.uniform(7.0, 10.0))
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(28, 65))
    light = (np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation))
    warm = float(rng.normal(0, 0.05))
    return Camera(
        index=index,
        scene=scene,
        height=height,
        pitch=float(np.degrees(np.arctan2(height - 0.9, middle)) + rng.normal(0, 1.0)),
        focal=float(rng.uniform(950, 1300)),
        near=middle - 1.8,
        far=middle + 3.5,
        light=tuple(float(x) for x in light),  # type: ignore[arg-type]
        sun=float(rng.uniform(0.15, 0.35) if indoor else rng.uniform(0.25, 0.95)),
        sky=float(rng.uniform(0.55, 0.8)),
        tint=(1 + warm, 1.0 + float(rng.normal(0, 0.02)), 1 - warm),
        saturation=float(rng.uniform(0.6, 1.0)),
        gamma=float(rng.uniform(0.75, 1.15)),
        blur=float(rng.uniform(0.2, 1.1)),
        noise=float(rng.uniform(1.0, 6.0)),
        detail=float(rng.choice([0.4, 0.5, 0.5, 0.6, 0.8])),
        quality=int(rng.integers(55, 92)),
        seed=int(rng.integers(1 << 30)),
    )
