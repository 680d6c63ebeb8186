import numpy as np
import pytest

from occreid.synth.people.appearance import Cloth
from occreid.synth.people.patterns import PATTERN_NAMES, cloth_colour, flat, lerp
from occreid.synth.people.spots import Spots

RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)


def _spots(side: int = 60) -> Spots:
    along, around = (
        v.ravel() for v in np.meshgrid(np.linspace(0, 0.6, side), np.linspace(-0.2, 0.2, side), indexing="ij")
    )
    place = np.stack([around, np.full_like(along, -0.1), 0.75 - along], axis=1)
    return Spots(place, np.full_like(along, -0.3), along, around)


def _painted(pattern: str, spots: Spots, seed: int = 1) -> np.ndarray:
    return cloth_colour(Cloth(RED, BLUE, pattern, 0.05, seed), spots, np.ones(len(spots.along)))


def _blue(colours: np.ndarray) -> np.ndarray:
    return (colours[:, 2] > 0.45).reshape(60, 60)


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_colours_stay_colours_and_depend_on_the_seed_only(pattern: str):
    spots = _spots()
    colours = _painted(pattern, spots)
    assert colours.shape == (3600, 3)
    assert (colours >= 0).all() and (colours <= 1).all()
    np.testing.assert_array_equal(colours, _painted(pattern, spots))


def test_plain_cloth_has_one_colour():
    np.testing.assert_allclose(_painted("plain", _spots()), np.tile(RED, (3600, 1)), atol=1e-6)


def test_stripes_run_across_and_repeat():
    blue = _blue(_painted("stripes", _spots()))
    assert (blue.all(1) | (~blue).all(1)).all(), "a row of a stripe has one colour"
    changes = np.count_nonzero(np.diff(blue[:, 0].astype(int)))
    assert 20 <= changes <= 25, "0.6 m hold twelve stripes of 0.05 m"


def test_pinstripes_run_down():
    colours = _painted("pinstripes", _spots()).reshape(60, 60, 3)
    np.testing.assert_allclose(colours, np.broadcast_to(colours[:1], colours.shape), atol=1e-6)
    assert np.ptp(colours[0, :, 2]) > 0.3


def test_checks_have_more_than_two_tones():
    assert len(np.unique(_painted("checks", _spots())[:, 2].round(4))) == 4


def test_dots_are_islands():
    blue = _blue(_painted("dots", _spots()))
    assert 0.05 < blue.mean() < 0.4


def test_a_print_lies_on_the_chest_and_in_front_only():
    spots = _spots()
    for seed in range(8):
        blue = _blue(_painted("print", spots, seed)).ravel()
        assert blue.any()
        assert np.abs(spots.place[blue, 0]).max() < 0.12
        assert spots.place[blue, 2].min() > 0.3
        behind = cloth_colour(Cloth(RED, BLUE, "print", 0.05, seed), spots, np.zeros(3600))
        assert not _blue(behind).any()


def test_patterns_move_with_the_cloth_not_with_the_place():
    spots = _spots()
    elsewhere = Spots(spots.place + 3, spots.arm, spots.along, spots.around)
    for pattern in ("stripes", "checks", "dots", "camouflage", "denim"):
        np.testing.assert_array_equal(_painted(pattern, spots), _painted(pattern, elsewhere))


def test_lerp_and_flat():
    np.testing.assert_allclose(
        lerp(flat(RED, 3), BLUE, np.array([0, 0.5, 1])), [RED, (0.45, 0.1, 0.45), BLUE], atol=1e-6
    )


def test_take_selects_pixels():
    some = _spots().take(np.array([3, 5]))
    assert len(some.place) == len(some.arm) == len(some.along) == len(some.around) == 2
