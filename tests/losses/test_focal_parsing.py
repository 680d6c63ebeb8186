import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from occreid.losses import FocalParsingLoss


def loop(logits, targets, alpha, gamma):
    """HPNet, Eqs. 6–9, pixel by pixel in float64."""
    total = 0.0
    for image, truth in zip(logits.double().tolist(), targets.tolist(), strict=True):
        for part, part_truth in zip(image, truth, strict=True):
            inside, positives = 0.0, 0
            for row, row_truth in zip(part, part_truth, strict=True):
                for x, t in zip(row, row_truth, strict=True):
                    r = 1 / (1 + math.exp(-x))
                    entropy = -(t * math.log(r) + (1 - t) * math.log(1 - r))  # Eq. 6
                    psi = (1 - r) * t + r * (1 - t)  # Eq. 7
                    eta = (alpha * t + (1 - alpha) * (1 - t)) * psi**gamma  # Eq. 8
                    inside += eta * entropy
                    positives += int(t)
            total += inside / max(positives, 1)
    return total / len(logits)  # Eq. 9


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.5, 0.0), (0.9, 1.3)])
def test_equals_the_float64_loop_also_where_parts_are_absent(alpha, gamma):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 4, 6, 2, generator=generator)
    targets = (torch.rand(3, 4, 6, 2, generator=generator) < 0.3).float()
    targets[0, 1] = 0  # a part that is not there
    targets[2] = 0  # an image that shows nobody
    loss = FocalParsingLoss(alpha, gamma)(logits, targets)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(logits, targets, alpha, gamma), rel=1e-5)


def test_without_focus_it_is_half_the_cross_entropy_over_positives():
    logits, targets = torch.randn(2, 4, 3, 3), torch.ones(2, 4, 3, 3)
    entropy = binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(FocalParsingLoss(0.5, 0.0)(logits, targets), 0.5 * 4 * entropy)


def test_confident_mistakes_stay_finite_and_right_answers_cost_nothing():
    targets = torch.zeros(1, 4, 2, 2)
    targets[0, 0, 0] = 1
    sure = torch.where(targets > 0, 200.0, -200.0).requires_grad_()
    assert FocalParsingLoss()(sure, targets).item() == 0
    wrong = (-sure.detach()).requires_grad_()
    loss = FocalParsingLoss()(wrong, targets)
    loss.backward()
    assert loss.isfinite() and wrong.grad is not None and wrong.grad.isfinite().all()


def test_no_positive_pixel_divides_by_one():
    logits = torch.zeros(1, 4, 2, 3)
    expected = 4 * 6 * 0.75 * 0.25 * math.log(2)  # 4 parts × 6 positions × (1 − α) × ½² × ln 2
    assert FocalParsingLoss()(logits, torch.zeros_like(logits)).item() == pytest.approx(expected)


def test_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = FocalParsingLoss()(torch.randn(1, 4, 2, 2, dtype=torch.bfloat16), torch.ones(1, 4, 2, 2))
    assert loss.dtype == torch.float32
    assert repr(FocalParsingLoss()) == "FocalParsingLoss(alpha=0.25, gamma=2.0)"
