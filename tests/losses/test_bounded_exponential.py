import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.errors import UserError
from occreid.losses import BoundedExponentialLoss, bounded_exponential

REDUCTIONS = ["mean", "balanced", "sum"]
both = pytest.mark.parametrize("reduction", REDUCTIONS)


def loop(features, labels, alpha, reduction, normalize):
    """SSGR, Eq. 3, pair by pair in float64."""
    x = features.double().tolist()
    if normalize:
        x = [[v / max(math.hypot(*row), 1e-12) for v in row] for row in x]
    positive, negative = [], []
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            e = math.exp(-alpha * math.dist(x[i], x[j]))
            if labels[i] == labels[j]:
                positive.append(1 - e)
            else:
                negative.append(e)
    if reduction == "balanced":
        return sum(positive) / max(len(positive), 1) + sum(negative) / max(len(negative), 1)
    return sum(positive + negative) / (1 if reduction == "sum" else max(len(positive + negative), 1))


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=9),
    seed=st.integers(0, 10_000),
    alpha=st.sampled_from([0.05, 0.3, 2.0]),
    reduction=st.sampled_from(REDUCTIONS),
    normalize=st.booleans(),
)
def test_equals_the_float64_loop(labels, seed, alpha, reduction, normalize):
    features = 3 * torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    loss = BoundedExponentialLoss(alpha, reduction, normalize)(features, torch.tensor(labels))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(features, labels, alpha, reduction, normalize), rel=1e-4, abs=1e-5)


def pair(d, same, alpha=0.3):
    """Loss of two images at distance d, and its derivative."""
    distance = torch.tensor([[0.0, d], [d, 0.0]], requires_grad=True)
    loss = bounded_exponential(distance, torch.tensor([0, 0 if same else 1]), alpha, "mean")
    loss.backward()
    return loss.item(), distance.grad[0, 1].item()


def test_the_bounds_of_equation_4_and_the_values_at_0():
    assert pair(0.0, same=True) == (0, pytest.approx(0.3))
    assert pair(0.0, same=False) == (1, pytest.approx(-0.3))
    for d in (1e4, torch.inf):
        assert pair(d, same=True) == (1, 0)
        assert pair(d, same=False) == (0, 0)


def test_steepest_for_close_pairs_and_ever_flatter():
    for same in (True, False):
        slopes = [abs(pair(d, same)[1]) for d in (0.0, 0.5, 1.0, 2.0, 5.0, 20.0)]
        assert slopes == sorted(slopes, reverse=True) and slopes[0] > 100 * slopes[-1]


def test_small_positive_distances_keep_their_digits():
    assert pair(1e-7, same=True)[0] == pytest.approx(0.3e-7, rel=1e-5)


@both
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 1]])
def test_gradients_are_finite_when_images_coincide(reduction, normalize, labels):
    for start in (torch.ones(4, 3), torch.zeros(4, 3)):
        features = start.requires_grad_()
        BoundedExponentialLoss(0.3, reduction, normalize)(features, torch.tensor(labels)).backward()
        assert torch.isfinite(features.grad).all()


@both
def test_without_positives_only_the_negatives_speak(reduction):
    features = torch.randn(5, 3)
    labels = torch.arange(5)
    loss = BoundedExponentialLoss(0.3, reduction)(features, labels)
    far = torch.exp(-0.3 * torch.pdist(features))
    assert loss.item() == pytest.approx((far.sum() if reduction == "sum" else far.mean()).item(), rel=1e-4)


@both
def test_without_any_pair_the_loss_and_its_gradient_are_0(reduction):
    features = torch.randn(1, 3, requires_grad=True)
    loss = BoundedExponentialLoss(0.3, reduction)(features, torch.tensor([4]))
    loss.backward()
    assert loss.item() == 0 and not features.grad.any()


def test_balanced_weighs_both_kinds_alike_whatever_their_numbers():
    d = torch.full((6, 6), 2.0)
    near, far = 1 - math.exp(-0.6), math.exp(-0.6)
    assert bounded_exponential(d, torch.tensor([0, 0, 1, 2, 3, 4]), 0.3, "balanced").item() == pytest.approx(near + far)
    mean = bounded_exponential(d, torch.tensor([0, 0, 1, 2, 3, 4]), 0.3, "mean").item()
    assert mean == pytest.approx((near + 14 * far) / 15)


def test_the_order_of_the_batch_changes_nothing():
    features, labels, order = torch.randn(12, 6), torch.arange(12) % 4, torch.randperm(12)
    loss = BoundedExponentialLoss()
    torch.testing.assert_close(loss(features, labels), loss(features[order], labels[order]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_do_not_overflow(dtype):
    features = (8000 * torch.randn(8, 64)).to(dtype)  # squared distances far beyond fp16's 65,504
    labels = torch.arange(8) % 2
    expected = BoundedExponentialLoss()(features.float(), labels)
    with torch.autocast("cpu", dtype=dtype):
        under = BoundedExponentialLoss()(features, labels)
    assert under.dtype == torch.float32 and under.item() == expected.item() and torch.isfinite(under)
    small = (features / 8000).float()
    with torch.autocast("cpu", dtype=dtype):
        assert BoundedExponentialLoss()(small, labels).item() == BoundedExponentialLoss()(small.float(), labels).item()


def test_settings_are_checked_and_shown():
    with pytest.raises(UserError, match="alpha of the BED loss is 0"):
        BoundedExponentialLoss(0.0)
    assert "alpha=0.5, reduction=mean, normalize=True" in repr(BoundedExponentialLoss(0.5, "mean", True))


@pytest.mark.parametrize("normalize", [False, True])
def test_the_exponent_is_the_mean_of_alpha_d_over_pairs(normalize):
    features = 3 * torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss = BoundedExponentialLoss(0.7, normalize=normalize)
    x = features / features.norm(dim=1, keepdim=True) if normalize else features
    pairs = [0.7 * (x[i] - x[j]).norm().item() for i in range(5) for j in range(i + 1, 5)]
    assert loss.exponent(features).item() == pytest.approx(sum(pairs) / 10, rel=1e-5)
    assert loss.exponent(features[:1]).item() == 0
