import numpy as np
import pytest

from occreid.data.inspect.heat import overlay

GREY = np.full((100, 40, 3), 128, np.uint8)


def test_where_it_looked_is_yellow_and_elsewhere_blue():
    shown = np.zeros((4, 1), np.float32)
    shown[0] = 1
    found = overlay(GREY, shown, height=200).astype(int)
    assert found.shape == (200, 80, 3)
    top, bottom = found[5].mean(0), found[-5].mean(0)
    assert top[0] > top[2] + 50 and bottom[2] >= bottom[0]


def test_a_stronger_look_is_brighter_and_covers_more():
    levels = [
        overlay(GREY, np.full((2, 2), v, np.float32), height=50).astype(int).sum() for v in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert levels == sorted(levels)


def test_the_picture_stays_visible_below_the_map():
    stripes = GREY.copy()
    stripes[:, ::2] = 20
    found = overlay(stripes, np.zeros((1, 1), np.float32), height=100).astype(int)
    assert abs(found[:, 1] - found[:, 0]).mean() > 40


@pytest.mark.parametrize("grid", [(1, 1), (16, 8), (3, 7), (200, 90)])
def test_any_grid_is_stretched_over_the_picture(grid):
    assert overlay(GREY, np.random.default_rng(0).random(grid).astype(np.float32), height=64).shape == (64, 26, 3)


def test_values_outside_are_cut():
    same = [overlay(GREY, np.full((1, 1), v, np.float32)) for v in (1.0, 7.0)]
    np.testing.assert_array_equal(*same)


def test_a_blank_strip_is_not_drawn_on_a_hundred_thousand_pixels():
    strip = np.zeros((50, 20_000, 3), np.uint8)
    assert overlay(strip, np.zeros((4, 4), np.float32)).shape == (3, 1024, 3)
