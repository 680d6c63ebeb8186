import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.errors import UserError
from occreid.nn.token_predictor import TokenPredictor, keep_counts, sample_decisions


def linear(row, layer):
    weights, bias = layer.weight.double().tolist(), layer.bias.double().tolist()
    return [sum(w * v for w, v in zip(line, row, strict=True)) + b for line, b in zip(weights, bias, strict=True)]


def gelu(row):
    return [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in row]


def layer_norm(row, layer):
    mean = sum(row) / len(row)
    spread = math.sqrt(sum((v - mean) ** 2 for v in row) / len(row) + layer.eps)
    pairs = zip(row, layer.weight.double().tolist(), layer.bias.double().tolist(), strict=True)
    return [(v - mean) / spread * w + b for v, w, b in pairs]


def loop_probabilities(predictor, x, keep):
    """Eq. 1 in float64: π of one image, from D̂ · x, half of it the mean over kept tokens."""
    seen = [[v * d for v in row] for row, d in zip(x.double().tolist(), keep, strict=True)]
    norm, reduce, _ = predictor.reduce
    reduced = [gelu(linear(layer_norm(row, norm), reduce)) for row in seen]
    half = len(reduced[0]) // 2
    kept = [row[half:] for row, d in zip(reduced, keep, strict=True) if d]
    mean = [sum(column) / len(kept) for column in zip(*kept, strict=True)]
    first, _, last = predictor.decide
    found = []
    for row in reduced:
        drop, stay = linear(gelu(linear(row[:half] + mean, first)), last)
        found.append([math.exp(v) / (math.exp(drop) + math.exp(stay)) for v in (drop, stay)])
    return found


@pytest.mark.parametrize("keep", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 1]])
def test_eq_1_equals_the_float64_loop(keep):
    torch.manual_seed(0)
    predictor, x = TokenPredictor(16), torch.randn(2, 5, 16)
    decisions = torch.tensor([keep, keep]).float()
    found = predictor(x, decisions).softmax(-1)
    for b in range(2):
        expected = torch.tensor(loop_probabilities(predictor, x[b], keep))
        torch.testing.assert_close(found[b], expected, rtol=1e-4, atol=1e-6)
    if all(keep):
        torch.testing.assert_close(predictor(x), predictor(x, decisions))


def test_scores_order_tokens_as_their_probability_of_being_kept_does():
    predictor, x = TokenPredictor(16), torch.randn(3, 9, 16)
    kept = predictor(x).softmax(-1)[:, :, 1]
    assert torch.equal(predictor.scores(x).argsort(1), kept.argsort(1))
    torch.testing.assert_close(predictor.scores(x).sigmoid(), kept)
    assert predictor.scores(x.bfloat16().float()).dtype == torch.float32


def test_decisions_are_hard_only_ever_drop_and_let_gradients_through():
    torch.manual_seed(1)
    logits = torch.randn(4, 50, 2, requires_grad=True)
    before = (torch.rand(4, 50) < 0.5).float()
    keep = sample_decisions(logits, before)
    assert set(keep.unique().tolist()) == {0.0, 1.0}  # Eq. 2
    assert not keep[before == 0].any()  # Eq. 3
    keep.sum().backward()
    assert logits.grad[before == 1].abs().min() > 0 and not logits.grad[before == 0].any()


def test_the_expected_decision_is_the_probability():
    torch.manual_seed(2)
    logits = torch.tensor([[[0.0, 1.5], [0.7, 0.0], [0.0, 0.0]]])
    mean = torch.stack([sample_decisions(logits) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, logits.softmax(-1)[:, :, 1], atol=0.03, rtol=0)


def test_decisions_repeat_with_the_seed():
    logits = torch.zeros(2, 30, 2)
    torch.manual_seed(5)
    first = sample_decisions(logits)
    torch.manual_seed(5)
    assert torch.equal(first, sample_decisions(logits))


@given(st.integers(1, 400), st.integers(1, 100), st.integers(1, 5))
def test_counts_are_exact_whatever_the_grid_and_the_ratio(tokens, percent, stages):
    counts = keep_counts(tokens, percent / 100, stages)
    exact = [max(tokens * percent**j // 100**j, 1) for j in range(1, stages + 1)]
    assert list(counts) == exact


@pytest.mark.parametrize("ratio", [0.0, -0.5, 1.01, math.nan, math.inf])
@pytest.mark.parametrize("stages", [0, 3])
def test_impossible_ratios(ratio, stages):
    with pytest.raises(UserError, match=f"a keep ratio of {ratio:g} is impossible"):
        keep_counts(128, ratio, stages)
