import math

import pytest
import torch

from occreid.losses.margin import MarginLoss, over_anchors


def test_the_hinge_is_a_mean_over_usable_anchors():
    gap, usable = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([True, False, True, True])
    assert over_anchors(gap, usable, 0.5).item() == pytest.approx((0 + 0.5 + 2.5) / 3)
    soft = sum(math.log1p(math.exp(each)) for each in gap.tolist()) / 3
    assert over_anchors(gap, usable, None).item() == pytest.approx(soft)


def test_no_anchor_costs_nothing():
    assert over_anchors(torch.zeros(0), torch.zeros(4, dtype=torch.bool), 0.3).item() == 0


def test_the_margin_is_printed():
    assert repr(MarginLoss(0.7)) == "MarginLoss(margin=0.7)" and MarginLoss(None).margin is None
