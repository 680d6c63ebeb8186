"""Coloured persons, and a method that tells colours apart, so that a benchmark is measured in milliseconds."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from occreid.data.masks.files import write_mask
from occreid.models import create_model, save_model
from occreid.records import Record, Split

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.delitem(sys.modules, "colours_method", raising=False)


@pytest.fixture
def colours():
    return create_model("colours_method:Colours", 2)


@pytest.fixture
def centred():
    return create_model("colours_method:Centred", 2)


@pytest.fixture
def split(tmp_path):
    """Eight persons; a person is the colour of the upper half, the lower half is the same for all."""
    sides = ([], [])
    for pid in range(8):
        for camera in range(2):
            path, mask = tmp_path / f"{pid}_{camera}.png", tmp_path / f"{pid}_{camera}_mask.png"
            pixels = np.full((40, 20, 3), 90, np.uint8)
            pixels[:20] = (30 * pid, 220 - 25 * pid, 40 + 20 * camera)
            Image.fromarray(pixels).save(path)
            write_mask(mask, np.ones((40, 20), np.uint8))
            sides[camera].append(Record(path, pid, camera, mask=mask, occluded=pid % 2 == 0, occluder_kind="bin"))
    return Split("toy", (), *map(tuple, sides))


@pytest.fixture
def hard(tmp_path):
    """Six persons of nearly one colour, seen by three cameras: no protocol gives the same numbers as another."""
    rng = np.random.default_rng(0)
    query, gallery = [], []
    for pid in range(6):
        for camera in range(3):
            for shot in range(2):
                path = tmp_path / f"{pid}_{camera}_{shot}.png"
                colour = 100 + 4 * pid + rng.integers(-9, 10, 3)
                Image.fromarray(np.full((40, 20, 3), colour, np.uint8)).save(path)
                side = query if camera == 0 and shot == 0 else gallery
                side.append(Record(path, pid, camera))
    return Split("hard", (), tuple(query), tuple(gallery))


@pytest.fixture
def make_run(tmp_path):
    """Write a run folder of a class of `colours_method`."""

    def make(name="run", cls="Colours", **card):
        save_model(create_model(f"colours_method:{cls}", 2), tmp_path / name, card)
        return tmp_path / name

    return make
