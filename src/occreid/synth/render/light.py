"""Light that falls on a finished canvas: another hour of the day, and the shade of things outside the picture."""

from __future__ import annotations

import cv2
import numpy as np

from occreid.synth.scene.cameras import Camera, ambient
from occreid.synth.scene.textures import noise

PATCHY, GRADED = 0.14, 0.3
"""How often shade with an edge lies over a picture, and how often it is just brighter on one side."""


def relight(canvas: np.ndarray, usual: Camera, now: Camera) -> np.ndarray:
    """A canvas (H, W, 3) uint8 drawn in a camera's usual light, as it looks in the light of this moment."""
    return np.clip(canvas * np.float32(ambient(now) / ambient(usual)), 0, 255).astype(np.uint8)


def patchy(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sometimes lay shade over a canvas (H, W, 3) uint8: of leaves, of an edge, or a slope of light."""
    height, width = canvas.shape[:2]
    kind = rng.random()
    if kind < PATCHY:
        coarse = noise(rng, 32, 16, (2, 4) if rng.random() < 0.6 else (4, 8, 16))
        soft = np.clip((coarse - float(rng.normal(0, 0.4))) * float(rng.uniform(1, 6)) + 0.5, 0, 1)
        depth = float(rng.uniform(0.12, 0.5))
    elif kind < PATCHY + GRADED:
        v, u = np.mgrid[0:32, 0:16].astype(np.float32) / 31
        turn = float(rng.uniform(0, 2 * np.pi))
        soft = np.clip(0.5 + 0.6 * ((u - 0.25) * np.cos(turn) + (v - 0.5) * np.sin(turn)), 0, 1)
        depth = float(rng.uniform(0.05, 0.35))
    else:
        return canvas
    shade = cv2.resize((1 - depth * soft).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return (canvas * shade[..., None]).astype(np.uint8)
