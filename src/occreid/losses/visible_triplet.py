"""Batch-hard triplet loss over the parts that two images share (HPNet, Eqs. 3–5).

Letters: B images in a batch, P parts, D dimensions, M margin.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from occreid.distances import visible_parts


class VisibleTripletLoss(nn.Module):
    """Batch-hard triplets under `occreid.distances.visible_parts`, the distance that evaluation and search use too.

    Pairs that share no visible part are never chosen. An anchor left without a positive or a negative adds 0
    and no gradient; the sum is divided by all B anchors (Eq. 5).

    Args:
        margin: M ≥ 0.
    """

    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, features: Tensor, visible: Tensor, labels: Tensor) -> Tensor:
        """Scalar float32 loss of (B, P, D) features, taken as they are, (B, P) bool visibility and (B,) labels."""
        distance = visible_parts(features, features, visible, visible)  # (B, B), Eq. 4: +∞ where nothing is shared
        shared = distance.isfinite()
        same = labels[:, None] == labels[None]
        positive = same & shared & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        negative = ~same & shared
        usable = positive.any(1) & negative.any(1)
        # finite stand-ins instead of ±∞: ∞ − ∞ would be NaN, even where it is masked out again
        farthest = distance.masked_fill(~positive, 0).amax(1)
        nearest = distance.masked_fill(~negative, torch.finfo(distance.dtype).max).amin(1)
        loss = (self.margin + farthest - nearest).clamp_min(0) * usable  # Eq. 3
        return loss.sum() / len(labels)  # Eq. 5

    def extra_repr(self) -> str:
        """The margin, for printing."""
        return f"margin={self.margin}"
