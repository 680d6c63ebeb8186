from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.render.sensor import expose
from occreid.synth.scene.cameras import Camera, draw_camera

CLEAN = replace(
    draw_camera(0, 0), blur=0.0, noise=0.0, detail=1.0, gamma=1.0, saturation=1.0, tint=(1.0, 1.0, 1.0), quality=95
)
EDGE = np.zeros((384, 192, 3), np.uint8)
EDGE[:, 96:] = (200, 120, 60)


def _taken(camera: Camera, seed: int = 0) -> np.ndarray:
    return expose(EDGE, camera, np.random.default_rng(seed)).astype(float)


def test_a_clean_camera_keeps_the_picture():
    picture = _taken(CLEAN)
    assert picture.shape == (256, 128, 3)
    colour = picture[100, 110]
    assert colour[0] > colour[1] > colour[2]
    np.testing.assert_allclose(colour / colour[0], np.array([200, 120, 60]) / 200, atol=0.12)
    assert picture[100, 20].max() < 12


def _sharpness(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture[:, :, 0], axis=1)).max(1).mean())


@pytest.mark.parametrize("worse", [{"blur": 2.5}, {"detail": 0.3}])
def test_blur_and_few_rows_soften_edges(worse: dict):
    assert _sharpness(_taken(replace(CLEAN, **worse))) < 0.75 * _sharpness(_taken(CLEAN))


def test_noise_is_noise():
    noisy = _taken(replace(CLEAN, noise=8.0))
    assert noisy[50:200, 90:120].std(axis=(0, 1)).min() > 2 * _taken(CLEAN)[50:200, 90:120].std(axis=(0, 1)).max()


def test_tint_and_saturation():
    warm, cold = _taken(replace(CLEAN, tint=(1.15, 1.0, 0.8))), _taken(replace(CLEAN, tint=(0.85, 1.0, 1.2)))
    assert warm[100, 110, 0] / warm[100, 110, 2] > cold[100, 110, 0] / cold[100, 110, 2]
    grey = _taken(replace(CLEAN, saturation=0.0))[100, 110]
    assert np.ptp(grey) < 12


def test_the_generator_decides():
    camera = draw_camera(1, 0)
    np.testing.assert_array_equal(_taken(camera, 3), _taken(camera, 3))
    assert not np.array_equal(_taken(camera, 3), _taken(camera, 4))
