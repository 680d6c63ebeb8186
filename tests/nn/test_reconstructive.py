import math

import torch

from occreid.nn import ReconstructivePooling


def equation_2(pooling, feature_map):
    """(W_v F) softmax(W_m F)ᵀ by float64 loops, in the order that is printed: W_v first."""
    f = feature_map.double().flatten(1).T.tolist()
    w_v, w_m = pooling.value.weight.double().tolist(), pooling.mask.weight.double()[0].tolist()
    logits = [sum(a * b for a, b in zip(w_m, v, strict=True)) for v in f]
    powers = [math.exp(z) for z in logits]
    values = [[sum(a * b for a, b in zip(row, v, strict=True)) for row in w_v] for v in f]
    return [sum(values[n][c] * powers[n] for n in range(len(f))) / sum(powers) for c in range(len(w_v))]


def test_equals_equation_2_by_float64_loops():
    torch.manual_seed(0)
    pooling, x = ReconstructivePooling(5), torch.randn(3, 5, 4, 2)
    expected = torch.tensor([equation_2(pooling, image) for image in x])
    torch.testing.assert_close(pooling(x).detach(), expected, rtol=1e-5, atol=1e-6)


def test_the_weights_shown_are_those_it_pools_with():
    pooling, x = ReconstructivePooling(5), torch.randn(2, 5, 4, 3)
    weights = pooling.salience(x)
    assert weights.shape == (2, 4, 3) and (weights > 0).all()
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(2))
    torch.testing.assert_close(pooling(x), pooling.value((x * weights[:, None]).sum((2, 3))))


def test_where_a_position_is_does_not_matter():
    pooling, x = ReconstructivePooling(5), torch.randn(2, 5, 4, 3)
    torch.testing.assert_close(pooling(x.flip(2, 3)), pooling(x))


def test_a_constant_map_is_its_own_value():
    pooling, v = ReconstructivePooling(4), torch.randn(2, 4)
    torch.testing.assert_close(pooling(v[:, :, None, None].expand(2, 4, 3, 3)), pooling.value(v))


def test_float32_under_autocast_and_finite_for_large_features():
    pooling, x = ReconstructivePooling(4), 1e5 * torch.randn(2, 4, 3, 3)
    with torch.autocast("cpu", dtype=torch.float16):
        pooled = pooling(x)
    assert pooled.dtype == torch.float32 and torch.equal(pooled, pooling(x)) and torch.isfinite(pooled).all()
