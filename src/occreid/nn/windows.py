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
