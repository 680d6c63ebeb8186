"""Overlapping windows of a feature map at several granularities, pooled from its stripes (HAN, Section III-C).

A map is cut into k horizontal stripes. Level p = 1 … k has p windows of k − p + 1 neighbouring stripes, the
first starting at the top and each next one a stripe lower: level 1 is the whole map, level k the single stripes.
Each stripe is pooled once; a window's maximum is the maximum of its stripes', its mean the mean of theirs.

Letters: B images, C channels, H × W positions, k stripes, P = k (k + 1) / 2 windows, in the order of levels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from occreid.errors import UserError


def window_spans(k: int) -> tuple[tuple[int, int], ...]:
    """First stripe and the one after the last of each of the P windows.

    >>> window_spans(3)
    ((0, 3), (0, 2), (1, 3), (0, 1), (1, 2), (2, 3))
    """
    return tuple((top, top + k - level + 1) for level in range(1, k + 1) for top in range(level))


def pool_stripes(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Maximum and mean of each stripe.

    Args:
        x: (B, C, H, W), H divisible by k.
        k: number of stripes.

    Returns:
        Two tensors (k, B, C).

    Raises:
        UserError: k does not divide H.
    """
    h = x.shape[2]
    if h % k:
        raise UserError(
            f"a feature map of {h} rows cannot be cut into {k} equal stripes.",
            "Choose another image height, or a number of stripes that divides the rows.",
        )
    stripes = x.unflatten(2, (k, h // k)).flatten(3)  # (B, C, k, (H/k)·W)
    maximum, mean = _MaxAndMean.apply(stripes) if stripes.requires_grad else (stripes.amax(3), stripes.mean(3))
    return maximum.permute(2, 0, 1).contiguous(), mean.permute(2, 0, 1).contiguous()


class _MaxAndMean(torch.autograd.Function):
    """Maximum and mean over the last dimension whose gradient writes the large map once instead of four times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        maximum, where = x.max(-1)
        ctx.save_for_backward(where)
        ctx.size = x.shape[-1]
        return maximum, x.mean(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maximum: Tensor, of_mean: Tensor) -> Tensor:
        (where,) = ctx.saved_tensors
        gradient = (of_mean / ctx.size)[..., None].repeat_interleave(ctx.size, -1)
        return gradient.scatter_add_(-1, where[..., None], of_maximum[..., None])


def pool_windows(maximum: Tensor, mean: Tensor) -> Tensor:
    """Each window's maximum and mean in a row, from its stripes'.

    Args:
        maximum: (k, B, C) of the stripes.
        mean: (k, B, C) of the stripes.

    Returns:
        (P, B, 2C): `window_max` beside `window_mean`.
    """
    if maximum.requires_grad:
        return _MaxBesideMean.apply(maximum, mean)  # type: ignore[return-value]  # autograd's types are loose
    return torch.cat([window_max(maximum), window_mean(mean)], 2)


class _MaxBesideMean(torch.autograd.Function):
    """`window_max` beside `window_mean`, written where they belong; of two equal maxima the upper one learns."""

    @staticmethod
    def forward(ctx: Any, maximum: Tensor, mean: Tensor) -> Tensor:
        k, images, channels = maximum.shape
        pooled = maximum.new_empty(k * (k + 1) // 2, images, 2 * channels)
        levels = [level.split(channels, 2) for level in pooled.split([*range(1, k + 1)])]
        levels[-1][0].copy_(maximum)
        levels[-1][1].copy_(mean)
        above, total = [], mean
        for length in range(2, k + 1):  # a window is the one that ends a stripe earlier, joined by its last stripe
            shorter, last = levels[k - length + 1][0][:-1], maximum[length - 1 :]
            above.append(shorter >= last)
            torch.maximum(shorter, last, out=levels[k - length][0])
            total = total[:-1] + mean[length - 1 :]
            torch.div(total, length, out=levels[k - length][1])
        ctx.save_for_backward(*above)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_pooled: Tensor) -> tuple[Tensor, Tensor]:
        above = ctx.saved_tensors
        k, channels = len(above) + 1, of_pooled.shape[2] // 2
        levels = [level.split(channels, 2) for level in of_pooled.split([*range(1, k + 1)])]
        to_stripes = of_pooled.new_zeros(2, k, of_pooled.shape[1], channels)
        of_maximum, of_total = levels[0][0], levels[0][1] / k
        for length in range(k, 1, -1):
            upwards = of_maximum * above[length - 2]
            to_stripes[0, length - 1 :] += of_maximum - upwards
            to_stripes[1, length - 1 :] += of_total
            of_shorter, of_its_mean = levels[k - length + 1]
            of_maximum, before = of_shorter.clone(), of_total
            of_maximum[:-1] += upwards
            of_total = of_its_mean / (length - 1)
            of_total[:-1] += before
        to_stripes[0] += of_maximum
        to_stripes[1] += of_total
        return to_stripes[0], to_stripes[1]


def window_max(stripes: Tensor) -> Tensor:
    """(k, B, C) maxima of the stripes → (P, B, C) maxima of the windows."""
    return torch.cat(_by_level(stripes, torch.maximum))


def window_mean(stripes: Tensor) -> Tensor:
    """(k, B, C) means of the stripes → (P, B, C) means of the windows."""
    k = len(stripes)
    return torch.cat([total / (k - level) for level, total in enumerate(_by_level(stripes, torch.add))])


def _by_level(stripes: Tensor, join: Callable[[Tensor, Tensor], Tensor]) -> list[Tensor]:
    """Windows of k, k − 1, …, 1 stripes: each length is the last one joined by the stripe below it."""
    levels = [stripes]
    for length in range(2, len(stripes) + 1):
        levels.append(join(levels[-1][:-1], stripes[length - 1 :]))
    return levels[::-1]
