import colorsys

import numpy as np
import pytest

from occreid.data.loading.photometric import LUMA, Photometric, coarsened, hue_rotation
from occreid.errors import UserError


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (32, 16, 3)).astype(np.uint8)


def drawn(picture, seed=0, **options):
    return Photometric(**options)(picture, np.random.default_rng(seed))


def test_nothing_switched_on_changes_nothing(picture):
    assert np.array_equal(drawn(picture), picture)


@pytest.mark.parametrize(
    "options",
    [{"hue": 1}, {"cast": 0.5}, {"gamma": 1}, {"grey": 1}, {"blur": 1}, {"low_resolution": 1}, {"noise": 1}],
    ids=str,
)
def test_each_change_changes_bytes_and_follows_the_seed(picture, options):
    once, again, other = drawn(picture, 3, **options), drawn(picture, 3, **options), drawn(picture, 4, **options)
    assert once.dtype == np.uint8 and once.shape == picture.shape
    assert np.array_equal(once, again) and not np.array_equal(once, picture)
    assert np.array_equal(once, other) == (options == {"grey": 1})  # colours are lost the same way every time


def test_one_change_does_not_move_the_draws_of_another(picture):
    # grey is certain in both: blur, drawn before it, must be the same blur
    alone, with_grey = drawn(picture, 5, blur=1), drawn(picture, 5, blur=1, grey=1)
    luma = (alone @ np.array(LUMA)).round()
    assert np.abs(with_grey[..., 0] - luma).max() <= 1
    assert np.array_equal(with_grey[..., 0], with_grey[..., 1])


def test_a_cast_multiplies_whole_channels(picture):
    picture = np.minimum(picture, 120)
    changed = drawn(picture, 1, cast=0.3).astype(float)
    for channel in range(3):
        factor = changed[..., channel].sum() / picture[..., channel].sum()
        assert 0.7 <= factor <= 1.3
        assert np.abs(changed[..., channel] - factor * picture[..., channel]).max() <= 1.5


def test_hues_turn_and_greys_stay():
    turn = hue_rotation(np.pi / 2)
    assert turn @ np.ones(3) == pytest.approx(np.ones(3), abs=1e-4)
    assert np.array(LUMA) @ turn == pytest.approx(np.array(LUMA), abs=1e-4)
    assert hue_rotation(0) == pytest.approx(np.eye(3), abs=1e-9)
    assert turn @ turn @ turn @ turn == pytest.approx(np.eye(3), abs=1e-9)
    red = np.clip(turn @ np.array([0.6, 0.4, 0.4]), 0, 1)
    assert abs(colorsys.rgb_to_hsv(*red)[0] - 0.0) > 0.1


def test_a_coarser_camera_loses_detail_and_keeps_the_mean(picture):
    coarse = coarsened(picture, 0.25)
    assert coarse.astype(float).std() < 0.6 * picture.astype(float).std()
    assert coarse.mean() == pytest.approx(picture.mean(), abs=3)
    assert np.array_equal(coarsened(picture, 1.0), picture)


@pytest.mark.parametrize("name", ["hue", "cast", "grey", "blur", "low_resolution", "noise"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=f"the transform's {name} is {value}"):
        Photometric(**{name: value})


def test_a_cast_of_one_and_a_negative_gamma_are_refused():
    with pytest.raises(UserError, match="cast is 1"):
        Photometric(cast=1)
    with pytest.raises(UserError, match="gamma is -1"):
        Photometric(gamma=-1)
