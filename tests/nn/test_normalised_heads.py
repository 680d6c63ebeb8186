import math

import pytest
import torch

from occreid.errors import UserError
from occreid.nn import NormalisedHeads


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_logits_equal_the_float64_loop(heads):
    torch.manual_seed(heads)
    head, x = NormalisedHeads(6, 5, heads=heads, scale=16, gamma=1 / 32), torch.randn(4, 6)
    logits, size = head(x), 6 // heads
    assert logits.shape == (4, heads, 5)
    for b, feature in enumerate(x.double().tolist()):
        for h in range(heads):
            chunk = feature[h * size : (h + 1) * size]
            for c, w in enumerate(head.weight[h].double().tolist()):
                product = sum(a * b for a, b in zip(chunk, w, strict=True))
                expected = 16 * product / math.hypot(*chunk) / (math.hypot(*w) + 1 / 32)
                assert logits[b, h, c].item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_each_head_sees_its_own_chunk_only():
    head, x = NormalisedHeads(8, 3), torch.randn(2, 8)
    changed = x.clone()
    changed[:, 4:] += 1
    assert torch.equal(head(changed)[:, 0], head(x)[:, 0])
    assert not torch.isclose(head(changed)[:, 1], head(x)[:, 1]).any()


def test_the_length_of_a_feature_does_not_matter_that_of_a_weight_hardly():
    head, x = NormalisedHeads(8, 3), torch.randn(2, 8)
    torch.testing.assert_close(head(1000 * x), head(x))
    before = head(x).detach()
    with torch.no_grad():
        head.weight.mul_(1e6)
    assert (head(x).abs() >= before.abs()).all()  # γ weighs less beside longer weights
    assert head(x).abs().max() <= 16.001


def test_zero_features_and_weights_give_zero_logits_and_finite_gradients():
    head, x = NormalisedHeads(4, 3), torch.zeros(2, 4, requires_grad=True)
    with torch.no_grad():
        head.weight.zero_()
    logits = head(x)
    logits.sum().backward()
    assert not logits.any() and torch.isfinite(x.grad).all() and torch.isfinite(head.weight.grad).all()


def test_float32_under_autocast():
    head, x = NormalisedHeads(8, 3), 300 * torch.randn(2, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = head(x)
    assert under.dtype == torch.float32 and torch.equal(under, head(x))


@pytest.mark.parametrize("heads", [0, 3])
def test_a_feature_that_cannot_be_cut_is_refused(heads):
    with pytest.raises(UserError, match=f"8 dimensions cannot be cut into {heads} equal heads"):
        NormalisedHeads(8, 3, heads=heads)


def test_short_weights_at_the_start_turn_sooner():
    """By an Adam step each entry moves as far, whatever its size: a short weight's direction moves more."""

    def turned(std):
        torch.manual_seed(0)
        head = NormalisedHeads(64, 10, std=std)
        before = head.weight.detach().clone()
        optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
        torch.nn.functional.cross_entropy(head(torch.randn(10, 64))[:, 0], torch.arange(10)).backward()
        optimizer.step()
        return torch.nn.functional.cosine_similarity(before[0], head.weight[0], dim=1).mean().item()

    assert turned(0.001) < 0.9 < turned(None)
    head = NormalisedHeads(64, 1000, std=0.01)
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.02) and head.weight.abs().max() > 0.02


@pytest.mark.parametrize("std", [0, -1e-3])
def test_a_start_without_deviation_is_refused(std):
    with pytest.raises(UserError, match="are no start"):
        NormalisedHeads(8, 3, std=std)
