import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.losses import SupervisedContrastiveLoss


def loop(features, labels, temperature):
    """Khosla et al., Eq. 2, picture by picture in float64; the mean over anchors with a positive."""
    x = [[value / math.hypot(*row) for value in row] for row in features.double().tolist()]
    losses = []
    for i in range(len(x)):
        similarity = [math.fsum(a * b for a, b in zip(x[i], row, strict=True)) / temperature for row in x]
        total = math.fsum(math.exp(similarity[a]) for a in range(len(x)) if a != i)
        positives = [p for p in range(len(x)) if labels[p] == labels[i] and p != i]
        if positives:
            losses.append(-sum(similarity[p] - math.log(total) for p in positives) / len(positives))
    return sum(losses) / max(len(losses), 1)


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=10),
    st.integers(0, 10_000),
    st.sampled_from([0.07, 0.1, 1.0]),
)
def test_equals_the_float64_loop(labels, seed, temperature):
    features = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    loss = SupervisedContrastiveLoss(temperature)(features, torch.tensor(labels))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(features, labels, temperature), rel=1e-4, abs=1e-5)


def test_lengths_of_features_do_not_enter():
    features, labels = torch.randn(12, 6), torch.arange(12) % 4
    loss = SupervisedContrastiveLoss()
    torch.testing.assert_close(loss(features * torch.rand(12, 1).add(0.1), labels), loss(features, labels))


def test_without_positives_it_is_zero_and_has_no_gradient():
    features = torch.randn(3, 4, requires_grad=True)
    loss = SupervisedContrastiveLoss()(features, torch.arange(3))
    loss.backward()
    assert loss.item() == 0 and not features.grad.any()


def test_gradients_are_finite_and_float32_under_autocast():
    features = (300 * torch.randn(8, 16)).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = SupervisedContrastiveLoss(0.07)(features, torch.arange(8) % 4)
    loss.backward()
    assert loss.dtype == torch.float32 and features.grad.isfinite().all()
