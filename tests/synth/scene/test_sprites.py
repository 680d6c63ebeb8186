import numpy as np
import pytest

from occreid.synth.scene import sprites

GREEN, WHITE = np.array([0.3, 0.4, 0.2]), np.full(3, 0.9)
MAKERS = {
    "foliage": lambda rng: sprites.foliage(rng, GREEN),
    "tree": lambda rng: sprites.foliage(rng, GREEN, trunk=True),
    "bicycle": lambda rng: sprites.bicycle(rng, GREEN),
    "umbrella": lambda rng: sprites.umbrella(rng, GREEN, WHITE),
}


@pytest.mark.parametrize("name", MAKERS)
def test_cut_outs_have_an_outline_and_are_reproducible(name: str):
    a, b = (MAKERS[name](np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.shape[2] == 4
    covered = (a[..., 3] > 127).mean()
    assert 0.04 < covered < 0.95
    assert set(np.unique(a[..., 3])) == {0, 255}


def test_one_can_look_through_a_bicycle():
    alpha = sprites.bicycle(np.random.default_rng(0), GREEN)[..., 3] > 127
    assert alpha.mean() < 0.4
    assert alpha.any(0).mean() > 0.85, "from wheel to wheel"


def test_a_tree_stands_on_its_trunk():
    alpha = sprites.foliage(np.random.default_rng(0), GREEN, trunk=True)[..., 3] > 127
    assert alpha[-1].any()
    assert alpha[-1].mean() < 0.2 < alpha[30].mean()


def test_an_umbrella_is_wider_below():
    alpha = sprites.umbrella(np.random.default_rng(0), GREEN, WHITE)[..., 3] > 127
    assert alpha[10].sum() < alpha[40].sum()


def test_fronts_of_buildings_are_opaque_and_various():
    fronts = [sprites.facade(np.random.default_rng(k), np.full(3, 0.6)) for k in range(8)]
    assert all(f.shape == (160, 160, 3) and f.dtype == np.uint8 for f in fronts)
    assert len({f.tobytes() for f in fronts}) == 8
