"""Spatial and channel attention (Woo et al. 2018, "CBAM"), as HAN's Eqs. 1 and 2 use them.

Both return the attention alone; the caller multiplies it onto its features.

Letters: B images, C channels, H × W positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SpatialAttention(nn.Module):
    """Where to look: σ(f([mean; max])) with mean and max over the channels (HAN, Eq. 1; CBAM, Eq. 3).

    Args:
        kernel_size: side of the convolution f, odd.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, 1, H, W) in [0, 1]."""
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)  # (B, 2, H, W)
        return self.conv(pooled).sigmoid()


class ChannelAttention(nn.Module):
    """What to look at: σ(f(mean) + f(max)) with mean and max over the positions and one f (CBAM, Eq. 2).

    HAN prints its Eq. 2 as σ(f(mean + max)), but cites CBAM, and its text adds what f gives for each.

    Args:
        channels: C.
        ratio: f is linear to ⌈C / ratio⌉, ReLU, linear back to C.
    """

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        hidden = -(-channels // ratio)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, 1, 1) in [0, 1]."""
        attention = (self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))).sigmoid()
        return attention[:, :, None, None]
