"""Holding a network to the share of tokens it may keep.

Source: SUReID, Section III-A, Eq. 9.
Letters: B images, N patch tokens, S stages, p kept share.
"""

from __future__ import annotations

import torch
from torch import Tensor


def ratio_loss(decisions: list[Tensor], ratio: float, *, per_image: bool = True) -> Tensor:
    """How far the kept shares are from p, p², …: Eq. 9.

    Args:
        decisions: (B, N) of each stage, 0 or 1.
        ratio: p.
        per_image: False compares the mean over the batch, so that one image may keep more than another: beyond
            the paper, for a budget that adapts to the image.

    Returns:
        Scalar float32: squared differences, averaged over stages (and images).
    """
    shares = torch.stack([keep.float().mean(1) for keep in decisions], dim=1)  # (B, S)
    wanted = ratio ** torch.arange(1, len(decisions) + 1, device=shares.device)
    return ((shares if per_image else shares.mean(0)) - wanted).square().mean()
