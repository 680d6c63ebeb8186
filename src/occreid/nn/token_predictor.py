"""Deciding which patch tokens of a transformer are worth keeping, and counting how many that makes.

Source: SUReID, Section III-A, Eqs. 1 to 3; the form of the predictor follows token pruning practice (Rao et al. 2021,
"DynamicViT", Section 3.2): half of what it sees of a token is the token itself, half the mean of all kept tokens.

Letters: B images, N patch tokens, C channels, S stages, p kept share of a stage, π probabilities, D̂ decisions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax

from occreid.errors import UserError


class TokenPredictor(nn.Module):
    """A small network that gives every patch token its probability of being dropped or kept.

    Args:
        dim: channels C of a token, a multiple of 8.
        hidden: channels after the first layer, a multiple of 4; None is C / 2.
    """

    def __init__(self, dim: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = dim // 2 if hidden is None else hidden
        self.reduce = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.GELU())
        self.decide = nn.Sequential(nn.Linear(hidden, hidden // 2), nn.GELU(), nn.Linear(hidden // 2, 2))

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Logits of dropping (0) and keeping (1) each token; their softmax is π of Eq. 1.

        Args:
            x: (B, N, C) patch tokens, without the class token.
            keep: (B, N) decisions D̂ so far, 0 or 1; None where all N are kept.

        Returns:
            (B, N, 2) logits.
        """
        if keep is None:
            local, shared = self.reduce(x).chunk(2, dim=-1)  # (B, N, h/2) each
            mean = shared.mean(1, keepdim=True)
        else:
            keep = keep.to(x.dtype)[:, :, None]
            local, shared = self.reduce(x * keep).chunk(2, dim=-1)  # Eq. 1: D̂ · x
            mean = (shared * keep).sum(1, keepdim=True) / keep.sum(1, keepdim=True).clamp_min(1)
        return self.decide(torch.cat([local, mean.expand_as(local)], dim=-1))

    def scores(self, x: Tensor) -> Tensor:
        """How much more probable keeping is than dropping, as log odds: (B, N, C) → (B, N) float32.

        In the order of the probabilities, but without their ties near 0 and 1.
        """
        return log_odds(self(x))


def log_odds(logits: Tensor) -> Tensor:
    """(B, N, 2) logits of dropping and keeping → (B, N) float32, above 0 where keeping is more probable."""
    logits = logits.float()
    return logits[:, :, 1] - logits[:, :, 0]


def sample_decisions(logits: Tensor, keep: Tensor | None = None) -> Tensor:
    """Draw hard decisions that gradients pass through (straight-through Gumbel-softmax).

    Args:
        logits: (B, N, 2) of dropping and keeping.
        keep: (B, N) decisions so far: what was dropped once stays dropped.

    Returns:
        (B, N) float32, 0 or 1.
    """
    drawn = gumbel_softmax(logits.float(), hard=True)[:, :, 1]  # Eq. 2
    return drawn if keep is None else keep * drawn  # Eq. 3


def keep_counts(tokens: int, ratio: float, stages: int) -> tuple[int, ...]:
    """How many of the tokens remain after each stage: ⌊N · p⌋, ⌊N · p²⌋, …, at least 1.

    Raises:
        UserError: a ratio outside (0, 1].

    >>> keep_counts(128, 0.7, 3)
    (89, 62, 43)
    """
    if not 0 < ratio <= 1:
        raise UserError(f"a keep ratio of {ratio:g} is impossible.", "Give a share p with 0 < p ≤ 1, e.g. 0.7.")
    # 0.7² · 100 is a hair below 49 in binary; no true count lies that near below an integer
    return tuple(max(int(tokens * ratio**stage + 1e-9), 1) for stage in range(1, stages + 1))
