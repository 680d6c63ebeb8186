import math

import pytest
import torch

from occreid.nn import ChannelAttention, SpatialAttention


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def spatial_loop(x, weight):
    """HAN's Eq. 1 at every position, with zeros around the map."""
    x, weight = x.double().tolist(), weight.double()[0].tolist()
    channels, h, w, size = len(x), len(x[0]), len(x[0][0]), len(weight[0])
    reach = size // 2
    pooled = [
        [[sum(x[c][i][j] for c in range(channels)) / channels for j in range(w)] for i in range(h)],
        [[max(x[c][i][j] for c in range(channels)) for j in range(w)] for i in range(h)],
    ]
    out = [[0.0] * w for _ in range(h)]
    for i in range(h):
        for j in range(w):
            total = 0.0
            for kind in range(2):
                for di in range(-reach, reach + 1):
                    for dj in range(-reach, reach + 1):
                        if 0 <= i + di < h and 0 <= j + dj < w:
                            total += weight[kind][di + reach][dj + reach] * pooled[kind][i + di][j + dj]
            out[i][j] = sigmoid(total)
    return out


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_spatial_attention_equals_the_float64_loop(kernel_size):
    attention, x = SpatialAttention(kernel_size), torch.randn(2, 5, 6, 4)
    expected = torch.tensor([spatial_loop(i, attention.conv.weight.detach()) for i in x], dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x)[:, 0].double(), expected, rtol=1e-5, atol=1e-6)


def channel_loop(x, mlp):
    """CBAM's Eq. 2: the same two layers on the mean and on the maximum, added before the sigmoid."""
    (w1, b1), (w2, b2) = (
        (mlp[i].weight.detach().double().tolist(), mlp[i].bias.detach().double().tolist()) for i in (0, 2)
    )
    channels = x.double().flatten(1).tolist()

    def f(v):
        hidden = [max(0.0, sum(a * b for a, b in zip(row, v, strict=True)) + c) for row, c in zip(w1, b1, strict=True)]
        return [sum(a * b for a, b in zip(row, hidden, strict=True)) + c for row, c in zip(w2, b2, strict=True)]

    mean, maximum = [sum(c) / len(c) for c in channels], [max(c) for c in channels]
    return [sigmoid(a + b) for a, b in zip(f(mean), f(maximum), strict=True)]


@pytest.mark.parametrize("ratio", [1, 4, 16])
def test_channel_attention_equals_the_float64_loop(ratio):
    attention, x = ChannelAttention(24, ratio), torch.randn(3, 24, 4, 2)
    expected = torch.tensor([channel_loop(image, attention.mlp) for image in x], dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x)[:, :, 0, 0].double(), expected, rtol=1e-5, atol=1e-6)


def test_a_ratio_that_does_not_divide_the_channels_rounds_the_hidden_layer_up():
    assert ChannelAttention(20, 16).mlp[0].out_features == 2
    assert ChannelAttention(3, 16).mlp[0].out_features == 1


def test_what_each_attention_does_not_look_at():
    x = torch.randn(2, 8, 5, 3)
    spatial, channel = SpatialAttention(), ChannelAttention(8, 2)
    with torch.no_grad():
        order = torch.randperm(8)
        torch.testing.assert_close(spatial(x), spatial(x[:, order]))
        places = torch.randperm(15)
        moved = x.flatten(2)[:, :, places].view_as(x)
        torch.testing.assert_close(channel(x), channel(moved))
        assert spatial(x).shape == (2, 1, 5, 3) and channel(x).shape == (2, 8, 1, 1)
        assert not torch.allclose(spatial(x), spatial(moved))
        assert not torch.allclose(channel(x)[:, order], channel(x[:, order]))
