"""Reconstructive pooling. Letters: B images, c channels, N = h × w positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax


class ReconstructivePooling(nn.Module):
    """Pooling by learned salience, f_r = (W_v F) softmax(W_m F)ᵀ (SSGR, Eq. 2).

    Args:
        dim: channels c.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mask = nn.Linear(dim, 1, bias=False)  # a bias would cancel in the softmax
        self.value = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) → (B, c), in float32."""
        with torch.autocast(x.device.type, enabled=False):
            weights = self.salience(x).flatten(1)  # (B, N)
            selected = (x.float().flatten(2) @ weights[:, :, None])[:, :, 0]  # F softmax(W_m F)ᵀ (B, c)
            return self.value(selected)  # Eq. 2 (B, c): W_v after the sum costs N times less than before it

    def salience(self, x: Tensor) -> Tensor:
        """softmax(W_m F): (B, c, h, w) → (B, h, w) float32, at least 0, summing to 1 over an image."""
        with torch.autocast(x.device.type, enabled=False):
            logits = self.mask(x.float().flatten(2).transpose(1, 2))[:, :, 0]  # (B, N)
            return softmax(logits, dim=1).view(len(x), *x.shape[2:])
