import numpy as np
import pytest

from occreid.data.occlusion import cutouts
from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import Stress, Stressor
from occreid.data.occlusion.unseen import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_outline_and_a_texture(kind):
    for seed in range(12):
        pixels = KINDS[kind](np.random.default_rng(seed))
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 4
        assert min(pixels.shape[:2]) >= 60 and max(pixels.shape[:2]) <= 220
        solid = pixels[:, :, 3] > 128
        assert 0.1 < solid.mean() <= 1
        assert pixels[solid][:, :3].std() > 2, "not a flat colour"
        assert np.array_equal(pixels, KINDS[kind](np.random.default_rng(seed)))
        assert not np.array_equal(pixels, KINDS[kind](np.random.default_rng(seed + 100)))


def test_stress_draws_from_it_unless_told_otherwise():
    library = OccluderLibrary.open("unseen")
    assert {name.split("-")[0] for name in library.names} == set(KINDS)
    assert not set(KINDS) & set(cutouts.KINDS)
    stressor = Stressor(Stress("object", 0.4))
    assert stressor._library is not None and stressor._library.names == library.names
