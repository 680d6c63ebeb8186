"""What another camera would have made of a picture: light, colour, sharpness. For training only.

Each change is drawn on its own, so that a model sees most mixtures of them. All take and give (h, w, 3) uint8 RGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels
from occreid.errors import UserError

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: what "grey" means in every change of colours."""
_DRAWS = 12  # uniforms that one picture takes, whichever changes are switched on
_BLUR_SIGMA = (0.3, 1.5)  # pixels of the resized picture
_SMALLEST = 0.3  # of each side, the coarsest camera
_NOISE = 12.0  # largest standard deviation, in grey levels


@dataclass(frozen=True, slots=True)
class Photometric:
    """Random camera.

    Args:
        hue: colours are turned by up to this share of half the colour circle, 0 to 1.
        cast: each channel is multiplied by a factor from [1 − c, 1 + c], 0 ≤ c < 1: white balance.
        gamma: exponent drawn from [1/(1 + g), 1 + g], g ≥ 0: exposure and camera response.
        grey: probability that colours are lost.
        blur: probability of a Gaussian blur.
        low_resolution: probability that the picture is made smaller and enlarged again.
        noise: probability of sensor noise.

    Raises:
        UserError: a value outside its range.
    """

    hue: float = 0.0
    cast: float = 0.0
    gamma: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    low_resolution: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hue", "cast", "grey", "blur", "low_resolution", "noise"):
            if not 0 <= (value := getattr(self, name)) <= 1 or (name == "cast" and value == 1):
                raise UserError(f"the transform's {name} is {value}.", "Give a number from 0 to 1.")
        if self.gamma < 0:
            raise UserError(f"the transform's gamma is {self.gamma}.", "Give 0 or more.")

    def __call__(self, image: Pixels, generator: np.random.Generator) -> Pixels:
        """(h, w, 3) uint8 → (h, w, 3) uint8."""
        draw = generator.random(_DRAWS)  # always as many: one change does not move the others
        if draw[0] < self.low_resolution:
            image = coarsened(image, _SMALLEST + (1 - _SMALLEST) * draw[1])
        if draw[2] < self.blur:
            low, high = _BLUR_SIGMA
            image = cv2.GaussianBlur(image, (0, 0), low + (high - low) * draw[3])  # type: ignore[assignment]
        matrix = np.eye(3)
        if self.cast:
            matrix = np.diag(1 + self.cast * (2 * draw[4:7] - 1))
        if self.hue:
            matrix = hue_rotation(math.pi * self.hue * (2 * draw[7] - 1)) @ matrix
        if draw[8] < self.grey:
            matrix = np.tile(np.array(LUMA), (3, 1)) @ matrix
        if self.cast or self.hue or draw[8] < self.grey:
            image = cv2.transform(image, matrix)  # type: ignore[assignment]
        if self.gamma:
            image = cv2.LUT(image, _curve((1 + self.gamma) ** (2 * draw[9] - 1)))  # type: ignore[assignment]
        if draw[10] < self.noise:
            strength = _NOISE * draw[11] * generator.standard_normal(image.shape, np.float32)
            image = np.clip(image + strength, 0, 255).round().astype(np.uint8)
        return image


def coarsened(image: Pixels, share: float) -> Pixels:
    """The picture as from a camera that has this share of the pixels on each side, enlarged to the old size."""
    height, width = image.shape[:2]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def hue_rotation(angle: float) -> NDArray[np.float64]:
    """(3, 3) colour matrix that turns hues by ``angle`` radians and leaves greys and luma alone.

    A rotation of the chroma plane of YIQ, written in RGB.
    """
    to_yiq = np.array([LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135)])
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return np.linalg.inv(to_yiq) @ turn @ to_yiq


def _curve(exponent: float) -> Pixels:
    return (255 * (np.arange(256) / 255) ** exponent).round().astype(np.uint8)
