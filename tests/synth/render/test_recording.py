from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.render.recording import METER, record
from occreid.synth.scene.cameras import Camera
from occreid.synth.scene.sites import draw_site

CLEAN = replace(
    draw_site(0, 0), blur=0.0, noise=0.0, detail=1.0, gamma=1.0, saturation=1.0, tint=(1.0, 1.0, 1.0), quality=95,
    contrast=1.0, black=0.0, sharpen=0.0, smear=0.0, across=1.0,
)  # fmt: skip
EDGE = np.full((384, 192, 3), 40, np.uint8)
EDGE[:, 96:] = (200, 120, 60)


def taken(camera: Camera, seed: int = 0, canvas: np.ndarray = EDGE) -> np.ndarray:
    return record(canvas, camera, np.random.default_rng(seed)).astype(float)


def edge(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture[:, :, 0], axis=1)).max(1).mean())


def test_a_clean_camera_keeps_colours_in_order():
    picture = taken(CLEAN)
    assert picture.shape == (256, 128, 3)
    red, green, blue = picture[100, 110]
    assert red > green > blue
    assert picture[100, 20].max() < 90


@pytest.mark.parametrize("worse", [{"blur": 3.0}, {"detail": 0.25}, {"across": 0.3}, {"smear": 0.1}])
def test_each_fault_softens_edges(worse: dict):
    worst = np.mean([edge(taken(replace(CLEAN, **worse), seed)) for seed in range(6)])
    assert worst < 0.85 * np.mean([edge(taken(CLEAN, seed)) for seed in range(6)])


def test_edge_enhancement_overshoots():
    assert edge(taken(replace(CLEAN, sharpen=1.0))) > 1.1 * edge(taken(CLEAN))


def test_noise_haze_and_contrast():
    def spread(camera: Camera) -> float:
        return float(taken(camera)[50:200, 90:120].std(axis=(0, 1)).min())

    assert spread(replace(CLEAN, noise=8.0)) > 2 * spread(CLEAN)
    assert taken(replace(CLEAN, black=0.3)).min() > 60
    assert np.ptp(taken(replace(CLEAN, contrast=0.5))) < 0.7 * np.ptp(taken(CLEAN))


def test_exposure_goes_a_part_of_the_way():
    dark, bright = (np.full((384, 192, 3), v, np.uint8) for v in (40, 220))
    low, high = (np.mean([taken(CLEAN, s, c).mean() for s in range(8)]) for c in (dark, bright))
    assert 45 < low < 255 * METER < high < 215


def test_the_generator_decides():
    camera = draw_site(1, 0)
    np.testing.assert_array_equal(taken(camera, 3), taken(camera, 3))
    assert not np.array_equal(taken(camera, 3), taken(camera, 4))
