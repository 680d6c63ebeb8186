"""What a camera makes of the light: resolution, blur, colour cast, exposure, noise and its stream's JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from occreid.synth.scene.cameras import Camera


def expose(canvas: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Canvas (uint8 RGB) → image (256, 128, 3) uint8 RGB as this camera would store it."""
    detail = camera.detail * float(rng.uniform(0.85, 1.1))
    small = (max(int(128 * detail), 24), max(int(256 * detail), 48))
    picture = cv2.resize(canvas, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * np.float32(camera.saturation)
    gain = np.array(camera.tint) * float(rng.uniform(0.9, 1.12))
    picture = 255 * np.clip(picture / 255 * gain, 0, 1) ** (camera.gamma * float(rng.uniform(0.93, 1.07)))
    blur = camera.blur * detail * float(rng.uniform(0.5, 1.3))
    if blur > 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture += rng.standard_normal(picture.shape, dtype=np.float32) * camera.noise * 0.7
    coded = cv2.imencode(
        ".jpg", np.clip(picture, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    )[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(cv2.resize(decoded, (128, 256), interpolation=cv2.INTER_CUBIC)[..., ::-1])
