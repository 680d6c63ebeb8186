"""Focal parsing loss (HPNet, Eqs. 6–9; Lin et al. 2017 for the focal weight).

Letters: B images, P parts, h × w positions, r probability, t target, ψ distance from the target, η weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


class FocalParsingLoss(nn.Module):
    """Cross-entropy of each part's mask, weighted towards what is wrong, over the part's positive positions.

    A part that is not in the picture has no positive position; its sum is then divided by 1.

    Args:
        alpha: weight α in [0, 1] of positive positions; negative ones weigh 1 − α.
        gamma: exponent γ ≥ 0 of the distance from the target; 0 is plain weighted cross-entropy.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Scalar float32 loss of (B, P, h, w) logits and (B, P, h, w) targets 0 or 1."""
        with torch.autocast(logits.device.type, enabled=False):
            logits, t = logits.float(), targets.float()
            r = logits.sigmoid()
            entropy = binary_cross_entropy_with_logits(logits, t, reduction="none")  # Eq. 6
            psi = (1 - r) * t + r * (1 - t)  # Eq. 7
            eta = (self.alpha * t + (1 - self.alpha) * (1 - t)) * psi**self.gamma  # Eq. 8
            positives = t.sum((2, 3)).clamp_min(1)  # (B, P)
            return ((eta * entropy).sum((2, 3)) / positives).sum(1).mean()  # Eq. 9

    def extra_repr(self) -> str:
        """The two parameters, for printing."""
        return f"alpha={self.alpha}, gamma={self.gamma}"
