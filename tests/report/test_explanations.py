import base64

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods import Method
from occreid.report.explanations import drawn_explanations


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


@pytest.fixture
def images():
    return torch.randint(0, 256, (3, 3, 16, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def small(kind=Small):
    torch.manual_seed(0)
    return kind().eval()


def test_maps_lie_over_the_pictures(split):
    rows = drawn_explanations(small(Explaining), split.query, height=100)
    assert len(rows) == len(split.query)
    look = rows[0][0]
    assert (look.name, look.width, look.height) == ("left half", 50, 100)
    data = np.frombuffer(base64.b64decode(look.source.split(",")[1]), np.uint8)
    shown = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
    assert shown.shape == (100, 50, 3)
    assert shown[:, :10, 0].mean() > shown[:, -10:, 0].mean() + 40  # yellow on the left, blue on the right


def test_masks_reach_the_method_where_every_picture_has_one(split, tmp_path):
    from dataclasses import replace

    mask = np.zeros((64, 32), np.uint8)
    mask[:32] = 2
    assert cv2.imwrite(str(tmp_path / "mask.png"), mask)
    records = [replace(record, mask=tmp_path / "mask.png") for record in split.query[:2]]
    assert [look.name for look in drawn_explanations(small(Masked), records)[0]] == ["mask"]


def test_a_vanished_picture_is_named(split):
    from dataclasses import replace

    gone = replace(split.query[0], path=split.query[0].path.with_name("gone.png"))
    with pytest.raises(UserError, match=r"gone\.png"):
        drawn_explanations(small(), [gone])
