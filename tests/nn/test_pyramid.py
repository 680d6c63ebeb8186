import torch
from torch.nn.functional import conv2d, interpolate

from occreid.nn import FeaturePyramid


def stages():
    return [torch.randn(2, 3, 8, 4), torch.randn(2, 5, 4, 2), torch.randn(2, 6, 2, 1)]


def test_coarser_stages_are_stretched_and_added_from_the_top():
    torch.manual_seed(0)
    pyramid, maps = FeaturePyramid([3, 5, 6], 4).eval(), stages()
    projected = [conv2d(x, layer.weight) for x, layer in zip(maps, pyramid.lateral, strict=True)]
    middle = projected[1] + interpolate(projected[2], (4, 2), mode="bilinear")
    expected = pyramid.smooth(projected[0] + interpolate(middle, (8, 4), mode="bilinear"))
    torch.testing.assert_close(pyramid(maps), expected)
    assert expected.shape == (2, 4, 8, 4)


def test_every_stage_counts():
    pyramid, maps = FeaturePyramid([3, 5, 6], 4).eval(), stages()
    whole = pyramid(maps)
    for left_out in range(3):
        fewer = [torch.zeros_like(x) if i == left_out else x for i, x in enumerate(maps)]
        assert not torch.allclose(pyramid(fewer), whole)
