import torch
from torch import nn

from occreid.bench.costs import costs, count_flops, peak_bytes
from occreid.descriptors import Descriptors
from occreid.methods import Method


class Plain(Method):
    """Two products whose costs can be written down."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(24, 100, bias=False)
        self.narrow = nn.Linear(100, 5, bias=False)

    def describe(self, images, masks=None):
        return Descriptors(self.narrow(self.wide(self.normalize(images).flatten(1))))


IMAGES = torch.zeros(6, 3, 4, 2, dtype=torch.uint8)


def test_parameters_and_operations_of_one_image():
    found = costs(Plain().eval(), IMAGES)
    assert found.parameters == 24 * 100 + 100 * 5
    assert found.flops == 2 * (24 * 100 + 100 * 5)


def test_operations_of_a_convolution():
    convolution = nn.Conv2d(3, 7, 3, padding=1, bias=False)
    assert count_flops(convolution, torch.zeros(1, 3, 8, 4)) == 2 * (8 * 4) * 7 * 3 * 9


def test_memory_is_what_is_alive_at_once():
    class Chain(nn.Module):
        def forward(self, x):
            a = x.repeat(1, 10)  # 10 units beside the input's one
            b = a + 1  # 21 units: the peak
            del a
            return b[:, :1].clone()

    unit = 1000 * 4
    assert peak_bytes(Chain(), torch.zeros(1000, 1)) == 21 * unit


def test_views_and_work_in_place_cost_nothing():
    class Views(nn.Module):
        def forward(self, x):
            return x.view(10, 100).t().add_(1)

    assert peak_bytes(Views(), torch.zeros(1000)) == 4000


def test_weights_count_once():
    network = nn.Linear(1000, 1, bias=False)
    assert peak_bytes(network, torch.zeros(1, 1000)) == (1000 + 1000 + 1) * 4


def test_an_exported_model_says_its_own_parameters():
    class Exported(Method):
        parameters_in_file = 7

    assert costs(Exported(), IMAGES) == type(costs(Exported(), IMAGES))(7, None, None)
