import pytest
import torch

from occreid.nn import GeM


@pytest.mark.parametrize("p", [1.0, 3.0, 6.5])
def test_equals_the_float64_loop(p):
    x = torch.rand(2, 3, 4, 5)
    expected = [
        [(sum(v**p for v in channel.double().flatten().tolist()) / 20) ** (1 / p) for channel in image] for image in x
    ]
    torch.testing.assert_close(GeM(p)(x), torch.tensor(expected, dtype=torch.float32))


def test_between_the_average_and_the_maximum():
    x = torch.rand(4, 2, 6, 3)
    average, maximum = x.mean((2, 3)), x.amax((2, 3))
    torch.testing.assert_close(GeM(1.0)(x), average)
    pooled = GeM(4.0)(x)
    assert (pooled > average).all() and (pooled < maximum).all()


def test_positions_do_not_matter_and_negatives_are_floored():
    x = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(GeM()(x), GeM()(x.flip(2, 3)))
    assert GeM()(-torch.rand(1, 1, 2, 2)).item() == pytest.approx(1e-6, rel=1e-3)


def test_the_exponent_is_trained_only_when_asked():
    x = torch.rand(1, 1, 2, 2)
    pool = GeM()
    pool(x).sum().backward()
    assert pool.p.grad is not None and pool.p.grad != 0
    assert not GeM(learnable=False).p.requires_grad


def test_float32_under_autocast():
    x = torch.rand(2, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(GeM()(x), GeM()(x.float()))
        assert GeM()(x).dtype == torch.float32


@pytest.mark.parametrize("p", [1.0, 3.0])
def test_weights_say_how_much_a_position_counts(p):
    x, weights = torch.rand(2, 3, 4, 5), torch.rand(2, 4, 5) + 0.1
    double, w = x.double(), weights.double()
    expected = [
        [
            (sum(w[b, i, j] * double[b, c, i, j] ** p for i in range(4) for j in range(5)) / w[b].sum()) ** (1 / p)
            for c in range(3)
        ]
        for b in range(2)
    ]
    torch.testing.assert_close(GeM(p)(x, weights), torch.tensor(expected, dtype=torch.float32))
    torch.testing.assert_close(GeM(p)(x, torch.full((2, 4, 5), 0.3)), GeM(p)(x))
