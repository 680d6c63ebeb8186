"""Global pooling. Letters: B images, C channels, H × W positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GeM(nn.Module):
    """Generalised-mean pooling, (mean xᵖ)^(1/p) (Radenović, Tolias, Chum 2018, Eq. 3).

    p = 1 is average pooling, p → ∞ max pooling.

    Args:
        p: initial exponent > 0.
        learnable: whether p is trained.
        eps: positions below this count as this, so that the power is defined.
    """

    def __init__(self, p: float = 3.0, *, learnable: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(float(p)), requires_grad=learnable)
        self.eps = eps

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """(B, C, H, W) → (B, C), in float32; positions count alike, or by ``weights`` (B, H, W) > 0."""
        with torch.autocast(x.device.type, enabled=False):
            powered = x.float().clamp_min(self.eps).pow(self.p)
            return weighted_mean(powered, weights).pow(1 / self.p)


def weighted_mean(x: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean over positions, (B, C, H, W) → (B, C), in which each counts by ``weights`` (B, H, W) > 0, or alike."""
    if weights is None:
        return x.mean((2, 3))
    share = weights / weights.sum((1, 2), keepdim=True)
    return (x * share[:, None]).sum((2, 3))
