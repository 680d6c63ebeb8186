"""What a camera makes of the light: resolution, blur, colour cast, exposure, noise and its stream's JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from occreid.synth.scene.cameras import Camera

FEWEST = (24, 48)
"""Columns and rows that a sensor always resolves."""
DETAIL, GAIN, CURVE, SOFTNESS = (0.85, 1.1), (0.9, 1.12), (0.93, 1.07), (0.5, 1.3)
"""By how much resolution, exposure, gamma and blur vary from picture to picture (factors)."""
VISIBLE_BLUR = 0.15
"""Standard deviation in pixels below which blur is left out."""
NOISE = 0.7
"""Grey values of noise for each unit of `Camera.noise`."""


def expose(canvas: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Canvas (uint8 RGB) → image (256, 128, 3) uint8 RGB as this camera would store it."""
    detail = camera.detail * float(rng.uniform(*DETAIL))
    small = (max(int(128 * detail), FEWEST[0]), max(int(256 * detail), FEWEST[1]))
    picture = cv2.resize(canvas, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * np.float32(camera.saturation)
    gain = np.array(camera.tint) * float(rng.uniform(*GAIN))
    picture = 255 * np.clip(picture / 255 * gain, 0, 1) ** (camera.gamma * float(rng.uniform(*CURVE)))
    blur = camera.blur * detail * float(rng.uniform(*SOFTNESS))
    if blur > VISIBLE_BLUR:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture += rng.standard_normal(picture.shape, dtype=np.float32) * camera.noise * NOISE
    coded = cv2.imencode(
        ".jpg", np.clip(picture, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    )[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(cv2.resize(decoded, (128, 256), interpolation=cv2.INTER_CUBIC)[..., ::-1])
