import math

import pytest
import timm
import torch
from torch import nn

from occreid.nn.token_attention import (
    class_attention,
    is_plain,
    masked_attention,
    masked_block,
    masked_weights,
    plain_blocks,
    prefix_block,
    reweight,
)

KEEP = [1, 1, 0, 1, 0]


@pytest.fixture
def block():
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1, embed_dim=24, num_heads=3)
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.3)
    return plain_blocks(vit.eval())[0]


def loop_weights(scores, keep):
    """Eqs. 5 and 6 of one head in float64, the denominator over G_ik."""
    n = len(scores)
    G = [[1 if i == j else keep[j] for j in range(n)] for i in range(n)]
    found = []
    for i in range(n):
        total = sum(math.exp(scores[i][k]) * G[i][k] for k in range(n))
        found.append([math.exp(scores[i][j]) * G[i][j] / total for j in range(n)])
    return found


def loop_scores(attention, x):
    """Eq. 4 of every head in float64: Q Kᵀ / √C of a head's C channels."""
    n, heads = len(x), attention.num_heads
    qkv = (x.double() @ attention.qkv.weight.double().T + attention.qkv.bias.double()).tolist()
    width = len(qkv[0]) // 3
    c = width // heads
    scores = []
    for h in range(heads):
        q = [row[h * c : (h + 1) * c] for row in qkv]
        k = [row[width + h * c : width + (h + 1) * c] for row in qkv]
        row = [[sum(a * b for a, b in zip(q[i], k[j], strict=True)) / math.sqrt(c) for j in range(n)] for i in range(n)]
        scores.append(row)
    return scores, qkv, width, c


def test_eqs_5_and_6_equal_the_float64_loop():
    scores = torch.randn(2, 3, 5, 5) * 4
    found = masked_weights(scores, torch.tensor([KEEP, KEEP]))
    for b in range(2):
        for h in range(3):
            expected = torch.tensor(loop_weights(scores[b, h].double().tolist(), KEEP))
            torch.testing.assert_close(found[b, h], expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 3, 5))


def test_eqs_4_to_6_make_the_attention(block):
    x = torch.randn(1, 5, 24)
    found = masked_attention(block.attn, x, torch.tensor([KEEP]))
    scores, qkv, width, c = loop_scores(block.attn, x[0])
    mixed = []
    for i in range(5):
        row = []
        for h, head in enumerate(scores):
            weights = loop_weights(head, KEEP)[i]
            values = [r[2 * width + h * c : 2 * width + (h + 1) * c] for r in qkv]
            row += [sum(w * v[d] for w, v in zip(weights, values, strict=True)) for d in range(c)]
        mixed.append(row)
    expected = torch.tensor(mixed, dtype=torch.float64) @ block.attn.proj.weight.double().T + block.attn.proj.bias
    torch.testing.assert_close(found[0].double(), expected.double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prefix", [1, 2])
def test_prefix_tokens_alone_are_those_of_the_whole_block(block, prefix):
    x = torch.randn(2, 5, 24)
    torch.testing.assert_close(prefix_block(block, x, prefix), block(x)[:, :prefix], rtol=1e-4, atol=1e-5)
    bias = block.attn.qkv.bias
    block.attn.qkv.bias = None
    torch.testing.assert_close(prefix_block(block, x, prefix), block(x)[:, :prefix], rtol=1e-4, atol=1e-5)
    block.attn.qkv.bias = bias


def test_with_everything_kept_it_is_the_ordinary_block(block):
    x = torch.randn(2, 5, 24)
    torch.testing.assert_close(masked_block(block, x, torch.ones(2, 5)), block(x), rtol=1e-4, atol=1e-5)


def test_a_dropped_token_reaches_nobody_and_a_missing_one_changes_nothing(block):
    x = torch.randn(2, 5, 24)
    keep = torch.tensor([KEEP, KEEP]).float()
    whole = masked_block(block, x, keep)
    changed = x.clone()
    changed[:, [2, 4]] = 9.0
    kept = [0, 1, 3]
    torch.testing.assert_close(masked_block(block, changed, keep)[:, kept], whole[:, kept])
    torch.testing.assert_close(block(x[:, kept]), whole[:, kept], rtol=1e-4, atol=1e-5)


def test_gradients_reach_decisions_of_both_kinds_and_stay_finite():
    keep = torch.tensor([KEEP]).float().requires_grad_()
    scores = torch.randn(1, 2, 5, 5)
    scores[..., 2] = 1000.0  # a dropped token that would outshine all others
    value = torch.randn(5, 3)
    (masked_weights(scores, keep) @ value).square().sum().backward()
    assert torch.isfinite(keep.grad).all() and (keep.grad != 0).all()


def test_rows_stay_finite_when_only_weak_scores_are_kept():
    scores = torch.zeros(1, 1, 3, 3)
    scores[..., 2] = 500.0
    weights = masked_weights(scores, torch.tensor([[1, 1, 0]]))
    torch.testing.assert_close(weights[0, 0, 0], torch.tensor([0.5, 0.5, 0.0]))


def test_eq_7_equals_the_float64_loop(block):
    x = torch.randn(2, 5, 24)
    found = class_attention(block.attn, x, torch.tensor([KEEP, KEEP]))
    for b in range(2):
        scores, *_ = loop_scores(block.attn, x[b])
        mean = [0.0] * 5
        for head in scores:
            powers = [math.exp(v) * d for v, d in zip(head[0], KEEP, strict=True)]
            mean = [m + p / sum(powers) / len(scores) for m, p in zip(mean, powers, strict=True)]
        torch.testing.assert_close(found[b].double(), torch.tensor(mean).double(), rtol=1e-4, atol=1e-6)
    assert not found[:, 2].any() and not found[:, 4].any()


def test_eq_8_leaves_the_class_token_alone():
    x, attention, strength = torch.randn(2, 4, 3), torch.rand(2, 4), torch.tensor(0.5, requires_grad=True)
    found = reweight(x, attention, strength)
    for b in range(2):
        assert torch.equal(found[b, 0], x[b, 0])
        for i in range(1, 4):
            expected = [v + 0.5 * attention[b, i].item() * v for v in x[b, i].tolist()]
            torch.testing.assert_close(found[b, i], torch.tensor(expected))
    found.sum().backward()
    assert strength.grad is not None and strength.grad != 0


def test_strengthened_tokens_weigh_in_the_block_and_would_not_before_its_normalisation(block):
    x, keep, strength = torch.randn(2, 5, 24), torch.tensor([KEEP, KEEP]), torch.tensor(4.0)
    plain = masked_block(block, x, keep)[:, 0]
    assert (masked_block(block, x, keep, strength)[:, 0] - plain).abs().max() > 1e-2
    with torch.no_grad():
        for name in ("weight", "bias"):
            getattr(block.norm1, name).fill_(name == "weight")  # what a new network's normalisation does
    plain = masked_block(block, x, keep)[:, 0]
    before = reweight(x, torch.rand(2, 5), strength)
    torch.testing.assert_close(masked_block(block, before, keep)[:, 0], plain, rtol=1e-3, atol=1e-3)


def test_float32_under_autocast(block):
    x, keep = torch.randn(1, 5, 24), torch.tensor([KEEP])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert class_attention(block.attn, x, keep).dtype == torch.float32
        assert masked_weights(torch.randn(1, 1, 5, 5).bfloat16(), keep).dtype == torch.float32


def test_other_transformers_are_told_apart():
    assert is_plain(timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1))
    gated = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1)
    gated.blocks[0].attn = nn.Identity()
    assert not is_plain(gated)
