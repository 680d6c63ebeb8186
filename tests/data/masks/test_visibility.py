import torch

from occreid.data.masks.visibility import part_areas, shrunk


def test_areas_count_the_pixels_of_each_part():
    masks = torch.tensor([[[0, 1, 1], [2, 2, 2]], [[0, 0, 0], [4, 0, 4]]], dtype=torch.uint8)
    assert part_areas(masks, 4).tolist() == [[2, 3, 0, 0], [0, 0, 0, 2]]


def test_visibility_shrinks_by_what_is_left_and_a_part_never_shown_is_invisible():
    visibility = torch.tensor([1.0, 0.5, 0.8, 0.9])
    before, after = torch.tensor([4, 4, 0, 3]), torch.tensor([1, 4, 0, 0])
    assert shrunk(visibility, before, after).tolist() == [0.25, 0.5, 0.0, 0.0]
    assert shrunk(visibility, before / 100, after / 100).tolist() == [0.25, 0.5, 0.0, 0.0]  # shares of a picture
