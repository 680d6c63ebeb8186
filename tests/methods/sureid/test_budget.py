import pytest
import torch

from occreid.methods.sureid.budget import AdaptiveBudget, FixedBudget
from occreid.nn.token_gather import bucket_sizes


def logits(images=400, tokens=64, seed=0):
    """Images that need very different numbers of tokens."""
    generator = torch.Generator().manual_seed(seed)
    odds = torch.randn(images, tokens, generator=generator) + torch.randn(images, 1, generator=generator)
    return torch.stack([torch.zeros_like(odds), odds], 2)


@pytest.mark.parametrize("bucket", [1, 4, 8, 16])
def test_the_mean_after_rounding_up_is_the_fixed_number(bucket):
    budget, thresholds, found = AdaptiveBudget((40,), bucket, tracking=1.0), torch.zeros(1), logits()
    keep = budget.following(thresholds)(0, found, torch.ones(400, 64))
    assert abs(keep.sum(1).mean().item() - 40) < 1.0  # without its share of rounding it would be 3.5 more at 8
    needed = (found[:, :, 1] > thresholds[0]).sum(1)
    assert abs(needed.float().mean().item() - (40 - (bucket - 1) / 2)) < 1.0


@pytest.mark.parametrize("bucket", [1, 3, 8])
def test_numbers_are_rounded_up_to_a_bucket_and_never_beyond_all(bucket):
    scores = torch.full((21, 20), -1.0)
    for image in range(21):
        scores[image, :image] = 1.0
    wanted = []
    for image in range(21):
        size = 0
        while size < max(image, 1):
            size += bucket
        wanted.append(min(size, 20))
    assert bucket_sizes(scores, bucket).tolist() == wanted


def test_deciding_keeps_the_best_and_follows_nothing():
    budget, thresholds = AdaptiveBudget((40,), 4), torch.tensor([0.3])
    found, before = logits(8), torch.ones(8, 64)
    before[:, :10] = 0
    keep = budget.deciding(thresholds)(0, found, before)
    assert thresholds.item() == pytest.approx(0.3) and not keep[:, :10].any()
    for image in range(8):
        odds = found[image, 10:, 1]
        size = min(-(-max(int((odds > 0.3).sum()), 1) // 4) * 4, 54)
        assert keep[image, 10:].nonzero()[:, 0].tolist() == sorted(odds.topk(size).indices.tolist())


def test_thresholds_move_by_their_tracking():
    thresholds = torch.tensor([5.0])
    AdaptiveBudget((40,), 1, tracking=1.0).following(thresholds)(0, logits(), torch.ones(400, 64))
    slow = torch.tensor([5.0])
    AdaptiveBudget((40,), 1, tracking=0.25).following(slow)(0, logits(), torch.ones(400, 64))
    assert slow.item() == pytest.approx(5 + 0.25 * (thresholds.item() - 5), rel=1e-5)


def test_both_budgets_show_what_they_kept_on_the_grid():
    shown = FixedBudget((2,)).maps([torch.tensor([[0, 3]])], (2, 2))
    assert shown[0].tolist() == [[[1.0, 0.0], [0.0, 1.0]]]
    assert AdaptiveBudget((2,), 1).maps([torch.tensor([[1.0, 0.0, 0.0, 1.0]])], (2, 2))[0].tolist() == shown[0].tolist()
