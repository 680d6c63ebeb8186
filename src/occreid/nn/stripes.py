"""Dropping horizontal stripes of a feature map: what shows nobody is not computed any further.

Letters: B images, C channels, h × w positions, k stripes that are kept.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from occreid.nn.token_gather import top_tokens


def kept_stripes(scores: Tensor, keep: float) -> Tensor:
    """Which stripes of each image are kept: those of the highest scores, in their order from the top.

    Args:
        scores: (B, h).
        keep: share of the stripes in (0, 1]; at least one is kept.

    Returns:
        (B, k) int64, k = ⌈keep · h⌉, ascending.
    """
    return top_tokens(scores, max(1, math.ceil(round(keep * int(scores.shape[1]), 6))))


def take_stripes(x: Tensor, rows: Tensor) -> Tensor:
    """Stripes of a map, (B, C, h, w) or (B, h, w), by their numbers (B, k): h becomes k; its memory format stays."""
    if x.ndim == 3:
        return x.gather(1, rows[:, :, None].expand(-1, -1, x.shape[2]))
    where = rows[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3])
    taken = x.gather(2, where)
    channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return taken.contiguous(memory_format=torch.channels_last) if channels_last else taken
