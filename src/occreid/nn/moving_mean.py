"""The moving mean of normalised features, and its removal. Letters: B images, D dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn
from torch.nn.functional import normalize

from occreid.errors import UserError


class MovingMean(nn.Module):
    """µ ← βµ + (1 − β) · mean of the batch's L2-normalised features (SSGR, Eq. 6).

    Every process holds the µ of the images of all processes. It is a buffer: no gradient, saved with the weights.

    Args:
        dim: feature dimension D.
        momentum: β in [0, 1); at 1 the mean would never move.
        others: further β, each with a mean of its own: β changes nothing in training, so that one training serves
            all of them. Where ``momentum`` is among them, the mean that was kept for it is what is subtracted.

    Raises:
        UserError: a momentum outside that range.
    """

    mean: Tensor
    means: Tensor

    def __init__(self, dim: int, momentum: float = 0.9, others: Sequence[float] = ()) -> None:
        super().__init__()
        for each in (momentum, *others):
            if not 0 <= each < 1:
                raise UserError(f"the momentum of a moving mean is {each:g}.", "Choose one from 0 to below 1.")
        self.momentum, self.others = momentum, tuple(others)
        self.register_buffer("mean", torch.zeros(dim))
        if others:  # without, the weights hold what they always held
            self.register_buffer("means", torch.zeros(len(others), dim))

    @torch.no_grad()
    def update(self, features: Tensor) -> None:
        """Move µ towards the mean of (B, D) features; all processes of a group must call this together."""
        unit = normalize(features.float(), dim=1)
        total = torch.cat([unit.sum(0), unit.new_full((1,), len(unit))])  # (D + 1,): one message for sum and count
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(total)
        batch = total[:-1] / total[-1]  # (D,)
        self.mean.lerp_(batch, 1 - self.momentum)  # Eq. 6
        for row, momentum in enumerate(self.others):
            self.means[row].lerp_(batch, 1 - momentum)

    @property
    def subtracted(self) -> Tensor:
        """µ (D,), of ``momentum``."""
        return self.means[self.others.index(self.momentum)] if self.momentum in self.others else self.mean

    def forward(self, features: Tensor) -> Tensor:
        """(B, D) → (B, D) float32: normalised features less µ, to be compared by cosine distance.

        Euclidean distances between them are those without µ; only angles change.
        """
        return normalize(features.float(), dim=1) - self.subtracted
