import numpy as np
import pytest
import torch

from occreid.errors import UserError
from occreid.scenes.boxes import Box, boxes_in, overlaps


def test_boxes_are_cut_to_the_scene_and_scraps_left_out():
    given = [(-5.5, 3.2, 20.1, 300), (90, 10, 99, 40), (95, 10, 140, 40), (200, 0, 260, 50)]
    assert boxes_in(given, [0.5] * 4, (100, 100), "d") == [Box(0, 3, 21, 97, 0.5), Box(90, 10, 9, 30, 0.5)]
    assert boxes_in([], [], (9, 9), "d") == [] and boxes_in(torch.zeros(0, 4), torch.zeros(0), (9, 9), "d") == []
    assert boxes_in(torch.tensor([[0.0, 0, 20, 20]]), torch.tensor([1.0]), (50, 50), "d", tracks=[4])[0].track == 4


@pytest.mark.parametrize(
    ("corners", "scores", "problem"),
    [
        ([(0, 0, 9)], [1], "d gave boxes of shape"),
        ([(0, 0, 9, 9)], [1, 1], "and 2 scores"),
        ([(0, 0, np.inf, 9)], [1], "no number"),
        ([(0, 0, 9, 9)], [1.5], "scores from 1.5"),
        ([(9, 0, 0, 9)], [1], "ends before it begins"),
        ("words", [1], "no box"),
    ],
)
def test_rubbish_is_one_sentence(corners, scores, problem):
    with pytest.raises(UserError, match=problem):
        boxes_in(corners, scores, (50, 50), "d")


def test_overlap_is_intersection_over_union():
    found = overlaps([Box(0, 0, 10, 10), Box(0, 0, 20, 10)], [Box(5, 0, 10, 10), Box(50, 50, 10, 10)])
    np.testing.assert_allclose(found, [[50 / 150, 0], [100 / 200, 0]])
    assert overlaps([], [Box(0, 0, 9, 9)]).shape == (0, 1)


def test_a_box_cuts_its_pixels():
    pixels = np.arange(300).astype(np.uint8).reshape(10, 10, 3)
    assert np.array_equal(Box(2, 3, 4, 5).cut(pixels), pixels[3:8, 2:6])
