"""Where a method looked, laid over the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels
from occreid.data.loading.transforms import resize

_WEAKEST, _STRONGEST = 0.25, 0.65  # opacity of the colour where the map is 0 and 1
_WIDEST = 4  # times the height: a picture of 20,000 × 50 pixels would be drawn on 100,000 × 256


def overlay(pixels: Pixels, shown: NDArray[np.float32], *, height: int = 256) -> Pixels:
    """A picture with a map stretched over it: dark blue is 0, yellow is 1 (readable for colour-blind eyes, too).

    Args:
        pixels: (H, W, 3) uint8 RGB.
        shown: (h, w) in [0, 1], on any grid that covers the whole picture.
        height: of the result in pixels; less where it would be more than four times as wide.

    Returns:
        (height, W′, 3) uint8 RGB of the picture's proportions.
    """
    scale = min(height / pixels.shape[0], _WIDEST * height / pixels.shape[1])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    picture = resize(pixels, height, width).astype(np.float32)
    strength = cv2.resize(np.clip(shown, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    colour = cv2.applyColorMap((strength * 255).round().astype(np.uint8), cv2.COLORMAP_CIVIDIS)[:, :, ::-1]
    opacity = (_WEAKEST + (_STRONGEST - _WEAKEST) * strength)[:, :, None]
    return (picture * (1 - opacity) + colour * opacity).round().astype(np.uint8)
