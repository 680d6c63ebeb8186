import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.losses import BatchHardTripletLoss, batch_hard


def loop(features, labels, margin):
    """Hermans et al. 2017, Eq. 5, by three float64 loops."""
    x, losses = features.double().tolist(), []
    for a in range(len(x)):
        distance = [math.dist(x[a], y) for y in x]
        positives = [distance[i] for i in range(len(x)) if labels[i] == labels[a] and i != a]
        negatives = [distance[i] for i in range(len(x)) if labels[i] != labels[a]]
        if positives and negatives:
            gap = max(positives) - min(negatives)
            losses.append(math.log1p(math.exp(gap)) if margin is None else max(0.0, gap + margin))
    return sum(losses) / max(len(losses), 1)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 10_000), st.sampled_from([None, 0.0, 0.3, 5.0])
)
def test_equals_the_float64_loop(labels, seed, margin):
    features = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    loss = BatchHardTripletLoss(margin)(features, torch.tensor(labels))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(features, labels, margin), rel=1e-4, abs=1e-5)


def test_the_order_of_the_batch_changes_nothing():
    features, labels = torch.randn(12, 6), torch.arange(12) % 4
    order = torch.randperm(12)
    loss = BatchHardTripletLoss()
    torch.testing.assert_close(loss(features, labels), loss(features[order], labels[order]))


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [7]])
def test_no_triplet_gives_zero_loss_and_zero_gradient(labels):
    features = torch.randn(len(labels), 3, requires_grad=True)
    loss = BatchHardTripletLoss()(features, torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None and not features.grad.any()


def test_gradients_are_finite_when_images_coincide():
    features = torch.ones(4, 3, requires_grad=True)
    BatchHardTripletLoss()(features, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.isfinite(features.grad).all()


def test_infinite_distances_of_pairs_that_share_nothing_stay_harmless():
    inf = torch.inf
    d = torch.tensor([[0.0, 1.0, inf, 2.0], [1.0, 0.0, inf, inf], [inf, inf, 0.0, 3.0], [2.0, inf, 3.0, 0.0]])
    loss = batch_hard(d, torch.tensor([0, 0, 1, 1]), margin=2.0)
    assert loss.item() == pytest.approx((1 + 0 + 0 + 3) / 4)


def test_computed_in_float32_under_autocast():
    features, labels = 300 * torch.randn(8, 16), torch.arange(8) % 2
    expected = BatchHardTripletLoss()(features, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = BatchHardTripletLoss()(features, labels)
    assert under.dtype == torch.float32 and under.item() == expected.item()
    assert "margin=0.3" in repr(BatchHardTripletLoss())
