"""Batch-hard triplet loss (Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", Eq. 5).

Letters: B images in a batch, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from occreid.distances import euclidean
from occreid.losses.margin import MarginLoss, over_anchors


def batch_hard(distances: Tensor, labels: Tensor, margin: float | None) -> Tensor:
    """Batch-hard triplet loss over a given distance matrix.

    Args:
        distances: (B, B) distances ≥ 0 between the images of one batch; the diagonal is ignored.
        labels: (B,) identity of each image.
        margin: hinge margin ≥ 0; None is the soft margin log(1 + exp(·)).

    Returns:
        Scalar float32: the mean over anchors that have both a positive and a negative; 0 (with zero
        gradient) when there is no such anchor.

    >>> d = torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 5.0], [1.0, 5.0, 0.0]])
    >>> batch_hard(d, torch.tensor([0, 0, 1]), margin=0.5)  # anchors 0 and 1: 2−1+0.5 and 2−5+0.5 → 0
    tensor(0.7500)
    """
    distances = distances.float()
    same = labels.unsqueeze(0) == labels.unsqueeze(1)  # (B, B)
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    usable = positive.any(1) & (~same).any(1)  # (B,)
    hardest_positive = distances.masked_fill(~positive, -torch.inf).amax(1)[usable]
    hardest_negative = distances.masked_fill(same, torch.inf).amin(1)[usable]
    gap = hardest_positive - hardest_negative
    return over_anchors(gap, usable, margin)


class BatchHardTripletLoss(MarginLoss):
    """Batch-hard triplet loss on Euclidean distance: `batch_hard` over `distances.euclidean`."""

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of (B, D) features (not normalised here) and (B,) identity labels."""
        return batch_hard(euclidean(features, features), labels, self.margin)
