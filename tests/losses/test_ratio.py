import pytest
import torch

from occreid.losses import ratio_loss


def loop(decisions, p):
    """Eq. 9 in float64: for every image and stage the squared distance from p^j."""
    images, stages = len(decisions[0]), len(decisions)
    total = 0.0
    for b in range(images):
        for j in range(stages):
            row = decisions[j][b].double().tolist()
            total += (p ** (j + 1) - sum(row) / len(row)) ** 2
    return total / (images * stages)


@pytest.mark.parametrize("p", [0.5, 0.7, 0.9])
def test_equals_the_loop(p):
    decisions = [(torch.rand(5, 32) < p ** (j + 1)).float() for j in range(3)]
    assert ratio_loss(decisions, p).item() == pytest.approx(loop(decisions, p), rel=1e-5)


def test_the_right_shares_cost_nothing_and_images_may_share_a_budget():
    exact = torch.zeros(2, 10)
    exact[:, :5] = 1
    assert ratio_loss([exact], 0.5).item() == 0
    uneven = torch.zeros(2, 10)
    uneven[0, :8], uneven[1, :2] = 1, 1
    assert ratio_loss([uneven], 0.5).item() == pytest.approx(0.09)
    assert ratio_loss([uneven], 0.5, per_image=False).item() == pytest.approx(0, abs=1e-12)
    assert ratio_loss([torch.ones(2, 10)], 0.5, per_image=False).item() == pytest.approx(0.25)


def test_gradients_push_the_share_towards_the_ratio():
    keep = torch.ones(2, 8, requires_grad=True)
    ratio_loss([keep], 0.5).backward()
    assert (keep.grad > 0).all()
    few = torch.zeros(2, 8, requires_grad=True)
    ratio_loss([few], 0.5).backward()
    assert (few.grad < 0).all()
