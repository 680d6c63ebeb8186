"""Scenes of flat colour: grey street, one red and one blue person."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

RED, BLUE = (220, 30, 30), (30, 30, 220)


def draw(*persons, size=(120, 200)):
    """A scene with (x, y, colour) persons of 20 × 60 pixels."""
    pixels = np.full((*size, 3), 128, np.uint8)
    for x, y, colour in persons:
        pixels[y : y + 60, x : x + 20] = colour
    return pixels


@pytest.fixture
def scene():
    """`draw`."""
    return draw


@pytest.fixture
def video(tmp_path):
    """Ten frames at 5 a second: red walks from left to right, blue stands."""
    writer = cv2.VideoWriter(str(tmp_path / "door.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (200, 120))
    for step in range(10):
        writer.write(draw((10 + 4 * step, 40, RED), (150, 40, BLUE))[..., ::-1])
    writer.release()
    return tmp_path / "door.avi"


@pytest.fixture
def colours(monkeypatch):
    """Makes ``colour_detector:find`` importable."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delitem(sys.modules, "colour_detector", raising=False)
    return "colour_detector:find"
