"""Bounded exponential distance loss (SSGR, Section 3.2). Letters: B images in a batch, D dimensions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize as unit_length

from occreid.distances import euclidean
from occreid.errors import UserError

Reduction = Literal["mean", "balanced", "sum"]
"""How pairs come together: their mean, the mean over positive plus the mean over negative ones, or their sum."""


def bounded_exponential(distances: Tensor, labels: Tensor, alpha: float, reduction: Reduction) -> Tensor:
    """BED loss over a given distance matrix, y(1 − e^(−αd)) + (1 − y)e^(−αd) for each pair i < j (SSGR, Eq. 3).

    Args:
        distances: (B, B) distances ≥ 0 between the images of one batch; only those above the diagonal count.
        labels: (B,) identity of each image.
        alpha: sensitivity α > 0.
        reduction: ``"mean"`` over all pairs, ``"balanced"``: mean over positive pairs + mean over negative ones, or
            ``"sum"``: Eq. 3 of every pair, added.

    Returns:
        Scalar float32 in [0, 1], for ``"balanced"`` in [0, 2], for ``"sum"`` up to the number of pairs. A kind of
        pair that the batch does not hold adds nothing; without any pair the loss is 0.

    >>> d = torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 5.0], [1.0, 5.0, 0.0]])
    >>> bounded_exponential(d, torch.tensor([0, 0, 1]), alpha=0.3, reduction="mean")  # (0.451 + 0.741 + 0.223) / 3
    tensor(0.4717)
    """
    power = -alpha * distances.float()
    upper = torch.ones_like(power, dtype=torch.bool).triu(1)  # i < j
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    positive, negative = upper & same, upper & ~same
    pulled = (-torch.expm1(power) * positive).sum()  # Eq. 3, y = 1; expm1 keeps small distances exact
    pushed = (power.exp() * negative).sum()  # Eq. 3, y = 0
    positives, negatives = positive.sum(), negative.sum()
    if reduction == "balanced":
        return pulled / positives.clamp_min(1) + pushed / negatives.clamp_min(1)
    if reduction == "sum":
        return pulled + pushed
    return (pulled + pushed) / (positives + negatives).clamp_min(1)


class BoundedExponentialLoss(nn.Module):
    """BED loss on Euclidean distance: `bounded_exponential` over `distances.euclidean`, always in float32.

    Args:
        alpha: sensitivity α > 0.
        reduction: how pairs come together; the paper does not say.
        normalize: whether features are brought to unit length first, so that d is in [0, 2]; the paper does not say.

    Raises:
        UserError: ``alpha`` is not above 0.
    """

    def __init__(self, alpha: float = 0.3, reduction: Reduction = "balanced", normalize: bool = False) -> None:
        super().__init__()
        if not alpha > 0:
            raise UserError(f"alpha of the BED loss is {alpha:g}.", "Choose one above 0; the paper has 0.3.")
        self.reduction: Reduction = reduction
        self.alpha, self.normalize = alpha, normalize

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of (B, D) features and (B,) identity labels."""
        return bounded_exponential(self.distances(features), labels, self.alpha, self.reduction)

    def distances(self, features: Tensor) -> Tensor:
        """(B, B) distances d of Eq. 3 between (B, D) features."""
        features = features.float()
        if self.normalize:
            features = unit_length(features, dim=1)
        return euclidean(features, features)

    @torch.no_grad()
    def exponent(self, features: Tensor) -> Tensor:
        """Mean of αd over pairs i < j: where it is far above 1, e^(−αd) and its gradient vanish. 0 without a pair."""
        rows, columns = torch.triu_indices(len(features), len(features), 1, device=features.device)
        pairs = self.distances(features)[rows, columns]
        return self.alpha * pairs.sum() / max(len(pairs), 1)

    def extra_repr(self) -> str:
        """The settings, for printing."""
        return f"alpha={self.alpha}, reduction={self.reduction}, normalize={self.normalize}"
