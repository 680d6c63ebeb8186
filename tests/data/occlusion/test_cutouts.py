import numpy as np
import pytest

from occreid.data.occlusion.cutouts import KINDS, draw_cutout


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_outline_and_a_texture(kind):
    for seed in range(12):
        pixels = draw_cutout(kind, np.random.default_rng(seed))
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 4
        assert min(pixels.shape[:2]) >= 60 and max(pixels.shape[:2]) <= 220
        solid = pixels[:, :, 3] > 128
        assert 0.1 < solid.mean() <= 1
        assert pixels[solid][:, :3].std() > 2, "not a flat colour"


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_from_its_generator_alone(kind):
    np.random.seed(1)
    first = draw_cutout(kind, np.random.default_rng(5))
    np.random.seed(2)
    assert np.array_equal(first, draw_cutout(kind, np.random.default_rng(5)))
    assert not np.array_equal(first, draw_cutout(kind, np.random.default_rng(6)))


def test_trunks_and_poles_stand_upright():
    for kind in ("trunk", "pole"):
        for seed in range(30):
            height, width = draw_cutout(kind, np.random.default_rng(seed)).shape[:2]
            assert height / width > 2
