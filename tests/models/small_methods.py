"""Methods small enough to be computed by hand, for the tests of several rooms."""

import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.methods import Method


class Small(Method):
    """Two convolutions and their mean: Grad-CAM can be computed by hand."""

    input_size = (16, 8)

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 5, 3, 2, 1))

    def describe(self, images, masks=None):
        return Descriptors(self.backbone(self.normalize(images)).mean((2, 3)))


class Explaining(Small):
    def explain(self, images, masks=None):
        return {"left_half": torch.ones(len(images), 2, 2) * torch.tensor([2.0, 0.0])}


class Masked(Small):
    def explain(self, images, masks=None):
        return {"mask": (masks > 0).float()}


def small(kind=Small):
    """One of them with the same weights each time, in eval mode."""
    torch.manual_seed(0)
    return kind().eval()
