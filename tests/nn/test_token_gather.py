import pytest
import torch
from torch import nn

from occreid.nn.token_gather import (
    bucket_sizes,
    bucketed_forward,
    gather_tokens,
    gathered_forward,
    kept_map,
    top_tokens,
)
from occreid.nn.token_predictor import TokenPredictor


class Mixing(nn.Module):
    """A block in which every token sees the mean of all."""

    def forward(self, x):
        return x + x.mean(1, keepdim=True)


class Lookup:
    """Scores that were decided beforehand, by the first channel of a token."""

    def __init__(self, sign=1.0):
        self.sign = sign

    def scores(self, x):
        return self.sign * x[:, :, 0]


def test_the_best_tokens_in_their_own_order():
    scores = torch.randn(5, 20)
    chosen = top_tokens(scores, 7)
    assert torch.equal(chosen, chosen.sort(1).values)
    for row, picked in zip(scores, chosen, strict=True):
        assert set(picked.tolist()) == set(row.argsort(descending=True)[:7].tolist())


@pytest.mark.parametrize("prefix", [0, 1, 2])
def test_prefix_tokens_always_stay(prefix):
    x = torch.randn(2, prefix + 6, 3)
    found = gather_tokens(x, torch.tensor([[0, 5], [2, 3]]), prefix)
    assert found.shape == (2, prefix + 2, 3)
    assert torch.equal(found[:, :prefix], x[:, :prefix])
    assert torch.equal(found[0, prefix:], x[0, [prefix, prefix + 5]])
    assert torch.equal(found[1, prefix:], x[1, [prefix + 2, prefix + 3]])


def test_positions_of_later_stages_are_those_of_the_picture():
    x = torch.arange(9.0).view(1, 9, 1).clone()  # one prefix token, patches 1…8
    y, kept = gathered_forward([nn.Identity()] * 3, {2: Lookup(), 3: Lookup(-1.0)}, x, (4, 2), 1)
    assert kept[0].tolist() == [[4, 5, 6, 7]] and kept[1].tolist() == [[4, 5]]
    assert y[0, :, 0].tolist() == [0, 5, 6]


def test_nothing_is_dropped_without_predictors():
    x = torch.randn(2, 5, 3)
    y, kept = gathered_forward([Mixing(), Mixing()], {}, x, (), 1)
    assert kept == [] and torch.equal(y, Mixing()(Mixing()(x)))


def test_sizes_are_rounded_up_to_buckets():
    scores = torch.full((5, 10), -1.0)
    for row, needed in enumerate((0, 1, 4, 5, 10)):
        scores[row, :needed] = 1.0
    assert bucket_sizes(scores, 4).tolist() == [4, 4, 4, 8, 10]
    assert bucket_sizes(scores, 1).tolist() == [1, 1, 4, 5, 10]


@pytest.mark.parametrize("bucket", [1, 3, 12])
def test_an_image_in_a_batch_gets_what_it_gets_alone(bucket):
    torch.manual_seed(0)
    predictors = {2: TokenPredictor(16), 3: TokenPredictor(16)}
    blocks = [Mixing()] * 3
    x = torch.randn(7, 13, 16)
    thresholds = torch.tensor([0.02, -0.01])
    y, kept = bucketed_forward(blocks, predictors, x, thresholds, bucket, 1)
    assert y.shape == (7, 1, 16) and len(kept) == 2
    for i in range(7):
        alone, own = bucketed_forward(blocks, predictors, x[i : i + 1], thresholds, bucket, 1)
        torch.testing.assert_close(alone[0], y[i])
        assert all(torch.equal(a[0], b[i]) for a, b in zip(own, kept, strict=True))
        counts = [int(stage[i].sum()) for stage in kept]
        assert all(count % bucket == 0 or count == limit for count, limit in zip(counts, [12, counts[0]], strict=True))
        expected, positions = gathered_forward(blocks, predictors, x[i : i + 1], counts, 1)
        torch.testing.assert_close(expected[0, :1], y[i])
        assert positions[1][0].tolist() == kept[1][i].nonzero()[:, 0].tolist()
    if bucket == 1:
        assert len({int(row.sum()) for row in kept[0]}) > 1, "images differ in what they need"


def test_a_token_is_needed_above_its_stages_threshold():
    x = torch.randn(3, 13, 4, generator=torch.Generator().manual_seed(2))
    thresholds = torch.tensor([-0.5, 0.3])
    _, kept = bucketed_forward([torch.nn.Identity()] * 2, {1: Lookup(), 2: Lookup()}, x, thresholds, 1, 1)
    first, second = x[:, 1:, 0] > -0.5, x[:, 1:, 0] > 0.3
    assert torch.equal(kept[0].bool(), first) and torch.equal(kept[1].bool(), first & second)


def test_the_map_shows_exactly_what_was_kept():
    shown = kept_map(torch.tensor([[0, 4, 5], [1, 2, 3]]), (2, 3))
    assert shown.tolist() == [[[1, 0, 0], [0, 1, 1]], [[0, 1, 1], [1, 0, 0]]]
