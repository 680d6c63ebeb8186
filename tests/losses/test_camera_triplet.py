import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.losses import BatchHardTripletLoss, CameraTripletLoss


def loop(features, labels, cameras, margin):
    """Farthest positive of another camera and nearest negative of the same one, where there are any; float64."""
    x, losses = features.double().tolist(), []
    everyone = range(len(x))
    for a in everyone:
        positives = [i for i in everyone if labels[i] == labels[a] and i != a]
        negatives = [i for i in everyone if labels[i] != labels[a]]
        positives = [i for i in positives if cameras[i] != cameras[a]] or positives
        negatives = [i for i in negatives if cameras[i] == cameras[a]] or negatives
        if positives and negatives:
            gap = max(math.dist(x[a], x[i]) for i in positives) - min(math.dist(x[a], x[i]) for i in negatives)
            losses.append(math.log1p(math.exp(gap)) if margin is None else max(0.0, gap + margin))
    return sum(losses) / max(len(losses), 1)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=10),
    st.integers(0, 10_000),
    st.sampled_from([None, 0.0, 0.3, 5.0]),
)
def test_equals_the_float64_loop(people, seed, margin):
    labels, cameras = zip(*people, strict=True)
    features = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    loss = CameraTripletLoss(margin)(features, torch.tensor(labels), torch.tensor(cameras))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loop(features, labels, cameras, margin), rel=1e-4, abs=1e-5)


def test_without_a_choice_of_cameras_it_is_the_plain_loss():
    features, labels = torch.randn(12, 6), torch.arange(12) % 4
    plain = BatchHardTripletLoss(0.3)(features, labels)
    torch.testing.assert_close(CameraTripletLoss(0.3)(features, labels, torch.zeros(12)), plain)


def test_a_harder_positive_of_the_same_camera_is_left_alone():
    x = torch.tensor([[0.0], [4.0], [1.0], [2.0]])
    labels, cameras = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 0])
    # anchor 0: positive 2 (camera 1) at 1, not 1 (camera 0) at 4; negative 3 at 2
    anchors = [1 - 2, 3 - 2, 3 - 1]
    expected = sum(max(0, gap + 0.5) for gap in anchors) / 3
    assert CameraTripletLoss(0.5)(x, labels, cameras).item() == pytest.approx(expected)


def test_no_triplet_gives_zero_and_float32_under_autocast():
    features = torch.randn(3, 4, requires_grad=True)
    loss = CameraTripletLoss()(features, torch.zeros(3), torch.arange(3))
    loss.backward()
    assert loss.item() == 0 and not features.grad.any()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = CameraTripletLoss()(300 * torch.randn(8, 16), torch.arange(8) % 2, torch.arange(8) % 3)
    assert under.dtype == torch.float32
    assert "margin=0.3" in repr(CameraTripletLoss())
