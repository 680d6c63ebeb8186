"""What a surveillance camera and its recorder make of the light, in the second edition.

In this order: motion, resolution, optics, white balance and exposure, contrast, noise, edge enhancement, the
stream's JPEG, and enlargement to the crop's size. Grey values are sRGB in [0, 1].
"""

from __future__ import annotations

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene.cameras import Camera

CROP = (128, 256)
"""Width and height of a crop."""
LEAST_ROWS, MOST_ROWS = 60, 256
"""Rows of a crop that a sensor resolves, when the person is far away and when near."""
MIDDLE = 0.45
"""The grey value about which contrast turns."""
METER, METERED = 0.38, 0.4
"""Mean grey that automatic exposure aims at, and how much of the way it goes (exponent)."""
ENLARGERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LANCZOS4)


def _moved(picture: FloatArray, length: float, angle: float) -> FloatArray:
    """Blur along a direction, length in pixels, angle in radians."""
    side = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((side, side), np.float32)
    middle = np.array([side // 2, side // 2])
    step = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(round(float(v) * 16) for v in middle + sign * step) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def _toned(picture: FloatArray, camera: Camera, rng: np.random.Generator) -> FloatArray:
    """White balance, exposure, saturation, contrast and the response curve."""
    grey = picture @ np.array([0.3, 0.59, 0.11], np.float32)
    saturation = camera.saturation * float(rng.uniform(0.8, 1.15))
    picture = grey[..., None] + (picture - grey[..., None]) * np.float32(saturation)
    metered = (METER / max(float(grey.mean()), 0.05)) ** METERED  # automatic exposure goes a part of the way
    gain = np.array(camera.tint) * (1 + rng.normal(0, 0.01, 3)) * metered * float(np.exp(rng.normal(0.0, 0.1)))
    picture = np.clip(picture * gain.astype(np.float32), 0, 1.3)
    picture = np.minimum(picture, 0.85 + (picture - 0.85) * 0.4)  # highlights saturate softly
    curve = np.float32(camera.gamma * float(rng.uniform(0.9, 1.1)))
    picture = np.clip(picture, 0, 1) ** curve
    contrast = np.float32(camera.contrast * float(rng.uniform(0.9, 1.1)))
    picture = MIDDLE + (picture - MIDDLE) * contrast
    return np.clip(camera.black + picture * np.float32(1 - camera.black), 0, 1)


def _noisy(picture: FloatArray, camera: Camera, rng: np.random.Generator) -> FloatArray:
    """Noise of brightness, more of it in the dark, and blotchy noise of colour."""
    rows, columns = picture.shape[:2]
    share = rows / MOST_ROWS  # of a far person the stream has averaged more
    strength = camera.noise / 255 * float(rng.uniform(0.6, 1.4)) * (0.3 + 0.7 * share)
    light = rng.standard_normal((rows, columns, 1), np.float32) * (1.3 - picture.mean(2, keepdims=True))
    blotches = rng.standard_normal((rows // 3 + 1, columns // 3 + 1, 3), np.float32)
    colour = cv2.resize(blotches, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return picture + np.float32(strength) * (light + 0.5 * colour)


def record(canvas: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Canvas (uint8 RGB) → image (256, 128, 3) uint8 RGB as this camera's recorder would store it."""
    picture = canvas.astype(np.float32) / 255
    smear = camera.smear * float(rng.exponential(1.0)) * canvas.shape[1]
    if smear > 1.0:
        picture = _moved(picture, min(smear, 0.12 * canvas.shape[1]), float(rng.normal(0, 0.35)))
    rows = int(np.clip(CROP[1] * camera.detail * float(np.exp(rng.normal(0, 0.22))), LEAST_ROWS, MOST_ROWS))
    columns = max(int(rows / 2 * camera.across), 16)
    picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    optics = camera.blur * rows / CROP[1] * float(rng.uniform(0.5, 1.4))
    if optics > 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), optics)
    picture = _noisy(_toned(picture, camera, rng), camera, rng)
    if camera.sharpen > 0.05:
        edges = picture - cv2.GaussianBlur(picture, (0, 0), 1.0)
        picture = picture + np.float32(camera.sharpen) * edges
    bgr = np.clip(picture[..., ::-1] * 255 + 0.5, 0, 255).astype(np.uint8)
    quality = int(np.clip(camera.quality + 20 * (1 - rows / MOST_ROWS) + rng.normal(0, 6), 25, 97))
    decoded = cv2.imdecode(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert decoded is not None
    enlarger = ENLARGERS[camera.seed % len(ENLARGERS)]
    return np.ascontiguousarray(cv2.resize(decoded, CROP, interpolation=enlarger)[..., ::-1])
