"""A detector of one's own for `occreid crop` and `occreid find`: Open Model Zoo's person-detection-retail-0013.

Its two files (Apache-2.0) and OpenVINO are not part of occreid: pip install openvino

Example: PERSON_DETECTOR=person-detection-retail-0013.xml PYTHONPATH=examples \
    occreid crop scenes --detector openvino_detector:find --out crops
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def find(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W, 3) uint8 RGB → (N, 4) corners in pixels and N scores in [0, 1]."""
    height, width = pixels.shape[:2]
    network, (tall, wide) = _network()
    small = cv2.resize(pixels, (wide, tall))[..., ::-1]  # it wants blue, green, red
    blob = np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32)
    rows = next(iter(network(blob).values())).reshape(-1, 7)  # image, label, score, x1, y1, x2, y2 in [0, 1]
    rows = rows[rows[:, 0] >= 0]  # after the last comes −1
    return rows[:, 3:] * np.array([width, height, width, height], np.float32), rows[:, 2].clip(0, 1)


@cache
def _network() -> tuple[Any, tuple[int, int]]:
    import openvino

    network = openvino.Core().compile_model(os.environ["PERSON_DETECTOR"], "CPU")
    height, width = (int(side) for side in network.input(0).shape[2:])
    return network, (height, width)
