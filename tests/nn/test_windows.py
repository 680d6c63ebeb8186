import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.errors import UserError
from occreid.nn import pool_stripes, pool_windows, window_max, window_mean, window_spans


def geometry_loop(k):
    """HAN, Section III-C, as its text counts from 1: part = 1 is 1 … k, part = 2 is 1 … k−1 and 2 … k, …"""
    spans = []
    for part in range(1, k + 1):
        for first in range(1, part + 1):
            last = first + (k - part)
            spans.append((first - 1, last))
    return tuple(spans)


@pytest.mark.parametrize("k", range(1, 9))
def test_the_windows_of_every_k(k):
    spans = window_spans(k)
    assert spans == geometry_loop(k)
    assert len(spans) == len(set(spans)) == k * (k + 1) // 2
    assert spans[0] == (0, k) and spans[-k:] == tuple((i, i + 1) for i in range(k))
    assert all(0 <= top < bottom <= k for top, bottom in spans)


def test_the_windows_of_the_paper():
    assert len(window_spans(6)) == 21
    assert window_spans(6)[1:3] == ((0, 5), (1, 6))


@pytest.mark.parametrize("k", range(1, 9))
def test_pooled_windows_equal_the_float64_loop_over_the_map(k):
    x = torch.randn(2, 3, 2 * k, 3, generator=torch.Generator().manual_seed(k))
    maximum, mean = (pooled for pooled in pool_stripes(x, k))
    maxima, means = window_max(maximum), window_mean(mean)
    rows = x.double().tolist()
    for place, (top, bottom) in enumerate(window_spans(k)):
        for image in range(2):
            for channel in range(3):
                seen = [v for row in rows[image][channel][2 * top : 2 * bottom] for v in row]
                assert maxima[place, image, channel].item() == pytest.approx(max(seen), rel=1e-6)
                assert means[place, image, channel].item() == pytest.approx(sum(seen) / len(seen), rel=1e-4, abs=1e-6)


@given(st.integers(1, 8), st.integers(1, 3), st.integers(1, 4), st.integers(0, 10_000))
def test_the_maximum_of_a_window_is_the_maximum_of_its_stripes(k, height, width, seed):
    x = torch.randn(2, 2, k * height, width, generator=torch.Generator().manual_seed(seed))
    maximum, mean = pool_stripes(x, k)
    maxima, means = window_max(maximum), window_mean(mean)
    for place, (top, bottom) in enumerate(window_spans(k)):
        assert torch.equal(maxima[place], maximum[top:bottom].amax(0))
        torch.testing.assert_close(means[place], mean[top:bottom].mean(0), rtol=1e-4, atol=1e-6)


@given(st.integers(1, 8), st.integers(0, 10_000))
def test_a_window_that_holds_another_has_no_smaller_maximum(k, seed):
    maxima = window_max(torch.randn(k, 1, 4, generator=torch.Generator().manual_seed(seed)))
    spans = window_spans(k)
    for i, (top, bottom) in enumerate(spans):
        for j, (above, below) in enumerate(spans):
            if top <= above and below <= bottom:
                assert (maxima[i] >= maxima[j]).all()


def test_gradients_equal_those_of_pooling_each_window_from_the_map():
    x = torch.randn(2, 3, 6, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 6, 2, 3, dtype=torch.float64)
    maximum, mean = pool_stripes(x, 3)
    (window_max(maximum) * weights[0] + window_mean(mean) * weights[1]).sum().backward()
    ours, x.grad = x.grad, None
    total = torch.zeros((), dtype=torch.float64)
    for place, (top, bottom) in enumerate(window_spans(3)):
        window = x[:, :, 2 * top : 2 * bottom].flatten(2)
        total = total + (window.amax(2) * weights[0, place] + window.mean(2) * weights[1, place]).sum()
    total.backward()
    torch.testing.assert_close(ours, x.grad)


@pytest.mark.parametrize("k", range(1, 9))
def test_windows_in_one_go_equal_maximum_beside_mean_forward_and_backward(k):
    stripes = [torch.randn(k, 3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    upstream = torch.randn(k * (k + 1) // 2, 3, 10, dtype=torch.float64)
    ours, plain = pool_windows(*stripes), torch.cat([window_max(stripes[0]), window_mean(stripes[1])], 2)
    assert torch.equal(ours, plain)
    with torch.no_grad():
        assert torch.equal(pool_windows(*stripes), plain)
    torch.testing.assert_close(
        torch.autograd.grad(ours, stripes, upstream), torch.autograd.grad(plain, stripes, upstream)
    )


def test_of_equal_stripes_the_upper_one_learns():
    maximum = torch.zeros(3, 1, 1, requires_grad=True)
    pool_windows(maximum, torch.zeros(3, 1, 1))[0, 0, 0].backward()  # the window of all three
    assert maximum.grad.flatten().tolist() == [1, 0, 0]


def test_stripes_must_be_equal():
    with pytest.raises(UserError, match="8 rows cannot be cut into 6 equal stripes") as caught:
        pool_stripes(torch.zeros(1, 1, 8, 4), 6)
    assert "height" in caught.value.hint
