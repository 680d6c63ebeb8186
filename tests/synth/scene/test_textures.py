import numpy as np
import pytest

from occreid.synth.scene import textures

COLOUR = np.array([0.6, 0.3, 0.2])
MAKERS = {
    "tiles": lambda rng: textures.tiles(rng, COLOUR, 64, 4, 4, 0.5),
    "leaves": lambda rng: textures.leaves(rng, COLOUR, 64),
    "planks": lambda rng: textures.planks(rng, COLOUR, 64, 6, True),
    "plain": lambda rng: textures.plain(rng, COLOUR, 64),
    "lettering": lambda rng: textures.lettering(rng, COLOUR, np.array([0.9, 0.9, 0.1]), 64),
}


@pytest.mark.parametrize("name", MAKERS)
def test_textures_are_reproducible_pictures(name: str):
    a, b, c = (MAKERS[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert a.shape == (64, 64, 3)
    assert a.dtype == np.uint8
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert a.std() > 1, "a texture is not one colour"


@pytest.mark.parametrize("name", ["tiles", "leaves", "planks", "plain"])
def test_textures_keep_the_hue(name: str):
    red, green, blue = MAKERS[name](np.random.default_rng(0)).reshape(-1, 3).mean(0)
    assert red > green > blue


def test_noise_has_no_trend():
    noise = np.mean([textures.noise(np.random.default_rng(k), 32, 48) for k in range(60)], axis=0)
    assert noise.shape == (32, 48)
    assert np.abs(noise).max() < 1
    assert abs(noise.mean()) < 0.15


def test_planks_run_as_asked():
    upright, level = (
        textures.planks(np.random.default_rng(3), COLOUR, 60, 6, up)[..., 0].astype(float) for up in (True, False)
    )
    assert upright.mean(0).std() > 2 * upright.mean(1).std()
    assert level.mean(1).std() > 2 * level.mean(0).std()


def test_paint_clips():
    assert textures.paint(COLOUR, np.full((2, 2), 9.0, np.float32)).max() == 255
    assert textures.paint(COLOUR, np.full((2, 2), -1.0, np.float32)).max() == 0
