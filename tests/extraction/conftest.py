import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.methods import Method
from occreid.records import Record


class Mean(Method):
    input_size = (8, 4)

    def __init__(self):
        super().__init__()
        self.layer, self.norm, self.seen = nn.Linear(3, 5), nn.BatchNorm1d(5), []

    def describe(self, images, masks=None):
        self.seen.append((len(images), images.dtype, masks is not None, self.training))
        return Descriptors(self.norm(self.layer(self.normalize(images).mean((2, 3)))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Mean()


@pytest.fixture
def records(tmp_path):
    made = []
    for i in range(7):
        picture = np.random.default_rng(i).integers(0, 255, (16, 8, 3)).astype(np.uint8)
        path = tmp_path / f"{i}.png"
        assert cv2.imwrite(str(path), picture)
        made.append(Record(path, 10 + i, i % 2))
    return made
