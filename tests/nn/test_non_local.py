import math

import pytest
import torch
from torch import nn

from occreid.errors import UserError
from occreid.nn import DisentangledNonLocal, NonLocal


def awake(block, seed=0):
    """The block with random weights everywhere, also in the normalisation that starts at zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in block.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.4)
    return block.eval()


def positions(x):
    """(c, h, w) → list over positions of lists over channels, in float64."""
    return x.double().flatten(1).T.tolist()


def times(weight, f):
    """W f for a 1×1 convolution's weight."""
    return [math.fsum(w * v for w, v in zip(row, f, strict=True)) for row in weight.double().flatten(1).tolist()]


def softmax(logits):
    top = max(logits)
    powers = [math.exp(z - top) for z in logits]
    return [p / sum(powers) for p in powers]


def mean(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def minus(a, b):
    return [x - y for x, y in zip(a, b, strict=True)]


def equation_1(block, image):
    """The weights w(i, j), both terms, and Σ_j w(i, j) W_v f_j by loops."""
    f = positions(image)
    query, key, value = ([times(layer.weight, v) for v in f] for layer in (block.query, block.key, block.value))
    mu_q, mu_k = mean(query), mean(key)
    salient = softmax([times(block.mask.weight, v)[0] for v in f])
    pairwise = [softmax([dot(minus(q, mu_q), minus(k, mu_k)) / block.temperature for k in key]) for q in query]
    out = [
        [sum((row[j] + salient[j]) * value[j][c] for j in range(len(f))) for c in range(len(value[0]))]
        for row in pairwise
    ]
    return pairwise, salient, out


@pytest.mark.parametrize(("reduction", "temperature"), [(1, 1.0), (2, 0.25), (3, 2.0)])
def test_equals_equation_1_by_float64_loops(reduction, temperature):
    block = awake(DisentangledNonLocal(6, reduction=reduction, temperature=temperature))
    block.norm = nn.Identity()
    x = torch.randn(2, 6, 4, 3)
    with torch.no_grad():
        added = block(x) - x
    for image, got in zip(x, added, strict=True):
        _, _, out = equation_1(block, image)
        torch.testing.assert_close(
            got.flatten(1).T.double(), torch.tensor(out, dtype=torch.float64), rtol=1e-4, atol=1e-5
        )


def test_the_attention_shown_is_that_of_equation_1():
    block = awake(DisentangledNonLocal(4))
    x = torch.randn(2, 4, 3, 2)
    with torch.no_grad():
        pairwise, salient = block.attention(x)
    for i, image in enumerate(x):
        rows, expected, _ = equation_1(block, image)
        torch.testing.assert_close(pairwise[i].flatten(), torch.tensor(mean(rows)), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(salient[i].flatten(), torch.tensor(expected), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(pairwise.sum((1, 2)), torch.ones(2))


@pytest.mark.parametrize("kind", [DisentangledNonLocal, NonLocal])
class TestBoth:
    def test_the_identity_at_step_0(self, kind):
        x = torch.randn(3, 8, 4, 2)
        assert torch.equal(kind(8)(x), x)
        assert torch.equal(kind(8).eval()(x), x)

    def test_moving_the_positions_moves_the_output_alike(self, kind):
        block, x = awake(kind(8)), torch.randn(2, 8, 4, 3)
        order = torch.randperm(12)

        def move(t):
            return t.flatten(2)[:, :, order].view(2, 8, 4, 3)

        with torch.no_grad():
            torch.testing.assert_close(block(move(x)), move(block(x)), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(block(x.flip(3)), block(x).flip(3), rtol=1e-4, atol=1e-5)

    def test_images_do_not_see_each_other(self, kind):
        block, x = awake(kind(8)), torch.randn(3, 8, 4, 2)
        with torch.no_grad():
            torch.testing.assert_close(block(x[1:2]), block(x)[1:2], rtol=1e-4, atol=1e-5)

    def test_every_parameter_learns_once_the_normalisation_has_moved(self, kind):
        block = awake(kind(8)).train()
        block(torch.randn(2, 8, 4, 2)).square().sum().backward()
        still = [n for n, p in block.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
        assert all(name.endswith("g.bias") for name in still)  # a constant, which the normalisation takes away

    def test_finite_in_half_precision_where_products_leave_its_range(self, kind):
        block = awake(kind(8))
        x = 3000 * torch.randn(1, 8, 4, 2)  # squares beyond fp16's 65,504
        with torch.autocast("cpu", dtype=torch.float16), torch.no_grad():
            assert torch.isfinite(block(x)).all()


def test_the_plain_block_equals_its_equation_by_float64_loops():
    block = awake(NonLocal(6, reduction=2))
    block.norm = nn.Identity()
    x = torch.randn(1, 6, 3, 2)
    f = positions(x[0])
    with torch.no_grad():
        got = (block(x) - x)[0].flatten(1).T.double()

    def layer(convolution, v):
        out = times(convolution.weight, v)
        return out if convolution.bias is None else [a + b for a, b in zip(out, convolution.bias.tolist(), strict=True)]

    theta, phi, g = ([layer(c, v) for v in f] for c in (block.theta, block.phi, block.g))
    for i in range(6):
        y = [sum(dot(theta[i], phi[j]) * g[j][c] for j in range(6)) / 6 for c in range(3)]
        torch.testing.assert_close(got[i], torch.tensor(layer(block.project, y)).double(), rtol=1e-4, atol=1e-5)


def test_a_common_shift_of_all_queries_or_keys_changes_no_weight():
    block, x = awake(DisentangledNonLocal(4)), torch.randn(1, 4, 3, 3)
    with torch.no_grad():
        before = block.attention(x)[0]
        shift = nn.Conv2d(4, 4, 1)
        shift.weight.copy_(block.query.weight)
        shift.bias.copy_(torch.tensor([5.0, -3.0, 1.0, 2.0]))
        block.query = shift
        torch.testing.assert_close(block.attention(x)[0], before, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("option", "value"), [("reduction", 9), ("reduction", 0), ("temperature", 0.0)])
def test_options_without_sense_are_refused(option, value):
    with pytest.raises(UserError, match=option):
        DisentangledNonLocal(8, **{option: value})
