"""What the triplet losses with a hinge have in common: the margin, soft where it is None, and the mean over anchors."""

from __future__ import annotations

from torch import Tensor, nn


def over_anchors(gap: Tensor, usable: Tensor, margin: float | None) -> Tensor:
    """Mean hinge of the usable anchors; 0 where there is none.

    Args:
        gap: (U,) farthest positive minus nearest negative distance, of the usable anchors.
        usable: (B,) bool, True for U of the anchors.
        margin: ≥ 0; None is the soft margin ln(1 + exp(gap)).
    """
    per_anchor = nn.functional.softplus(gap) if margin is None else (gap + margin).clamp_min(0)
    return per_anchor.sum() / usable.sum().clamp_min(1)


class MarginLoss(nn.Module):
    """A loss with a margin, which it prints.

    Args:
        margin: hinge margin ≥ 0; None is the soft margin.
    """

    def __init__(self, margin: float | None = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def extra_repr(self) -> str:
        """The margin, for printing."""
        return f"margin={self.margin}"
