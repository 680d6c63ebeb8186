import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid import distances
from occreid.losses import BatchHardTripletLoss, VisibleTripletLoss, visible_triplet


def loop(features, visible, labels, margin):
    """HPNet, Eqs. 3–5, by float64 loops: the hardest pair of each kind after ±∞ for pairs that share nothing."""
    h, v, n = features.double().tolist(), visible.tolist(), len(labels)

    def distance(a, b):  # Eq. 4
        shared = [j for j in range(len(h[a])) if v[a][j] and v[b][j]]
        if shared:
            return sum(math.dist(h[a][j], h[b][j]) for j in shared) / len(shared)
        return -math.inf if labels[a] == labels[b] else math.inf

    total = 0.0
    for a in range(n):
        positive = max((distance(a, b) for b in range(n) if b != a and labels[b] == labels[a]), default=-math.inf)
        negative = min((distance(a, b) for b in range(n) if labels[b] != labels[a]), default=math.inf)
        total += max(0.0, margin + positive - negative)  # Eq. 3; −∞ gives 0
    return total / n  # Eq. 5


def draw(n, seed, chance=0.6):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 4, 3, generator=generator), torch.rand(n, 4, generator=generator) < chance


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=9),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.3, 5.0]),
    st.sampled_from([0.0, 0.2, 0.6, 1.0]),
)
def test_equals_the_float64_loop(labels, seed, margin, chance):
    features, visible = draw(len(labels), seed, chance)
    features.requires_grad_()
    loss = VisibleTripletLoss(margin)(features, visible, torch.tensor(labels))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(features, visible, labels, margin), rel=1e-4, abs=1e-5)
    loss.backward()
    assert features.grad is not None and features.grad.isfinite().all()
    assert not features.grad[~visible].any()  # what is not seen is not moved


def test_an_anchor_without_a_positive_that_shows_the_same_part_adds_nothing():
    features, _ = draw(4, 0)
    visible = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]).bool()
    features.requires_grad_()
    loss = VisibleTripletLoss(100.0)(features, visible, torch.tensor([0, 0, 1, 1]))
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None and torch.equal(features.grad, torch.zeros_like(features))


def test_nobody_visible_gives_no_loss_and_no_gradient():
    features, _ = draw(6, 1)
    features.requires_grad_()
    loss = VisibleTripletLoss(5.0)(features, torch.zeros(6, 4, dtype=torch.bool), torch.tensor([0, 0, 1, 1, 2, 2]))
    loss.backward()
    assert loss.item() == 0 and features.grad is not None and not features.grad.any()


def test_with_one_part_that_all_show_it_is_the_usual_batch_hard_loss():
    features, labels = torch.randn(8, 1, 5), torch.arange(8) % 4
    usual = BatchHardTripletLoss(0.3)(features[:, 0], labels)
    torch.testing.assert_close(VisibleTripletLoss(0.3)(features, torch.ones(8, 1).bool(), labels), usual)


def test_the_distance_is_the_one_that_ranks():
    assert visible_triplet.visible_parts is distances.visible_parts
    assert repr(VisibleTripletLoss()) == "VisibleTripletLoss(margin=0.3)"
