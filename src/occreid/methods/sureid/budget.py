"""How many tokens an image keeps: as many as every other one, or as many as it needs.

Letters: B images, N patch tokens, M of them kept, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from occreid.nn import TokenPredictor
from occreid.nn.token_gather import Layer, bucketed_forward, gathered_forward, kept_map, kept_of_bucket
from occreid.nn.token_predictor import log_odds

Decide = Callable[[int, Tensor, Tensor], Tensor]
"""Stage from 0, logits (B, N, 2) and the decisions so far (B, N) → decisions (B, N), 0 or 1."""


@dataclass(slots=True)
class FixedBudget:
    """The paper's: after a stage every image keeps the same number of tokens, its best ones.

    Attributes:
        counts: tokens left after each stage.
    """

    counts: tuple[int, ...]

    def drop(
        self,
        layers: Sequence[Layer],
        predictors: Mapping[int, TokenPredictor],
        x: Tensor,
        thresholds: Tensor,
        prefix: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the layers with dropped tokens gone; what was kept after each stage are positions (B, M)."""
        return gathered_forward(layers, predictors, x, self.counts, prefix)

    def maps(self, kept: Sequence[Tensor], grid: tuple[int, int]) -> list[Tensor]:
        """What `drop` says was kept, as (B, h, w) of 0 and 1."""
        return [kept_map(positions, grid) for positions in kept]


@dataclass(slots=True)
class AdaptiveBudget:
    """Beyond the paper, which asks for it in Section VI: the tokens above a threshold, their number rounded up.

    The thresholds (S,), one of each stage, follow the training images such that their mean number is the fixed one.

    Attributes:
        counts: mean number of tokens wanted after each stage.
        bucket: kept numbers are multiples of it.
        tracking: how fast the thresholds follow the batches, in (0, 1].
    """

    counts: tuple[int, ...]
    bucket: int
    tracking: float = 0.1

    def drop(
        self,
        layers: Sequence[Layer],
        predictors: Mapping[int, TokenPredictor],
        x: Tensor,
        thresholds: Tensor,
        prefix: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the layers with dropped tokens gone; what was kept after each stage is (B, N) of 0 and 1."""
        return bucketed_forward(layers, predictors, x, thresholds, self.bucket, prefix)

    def maps(self, kept: Sequence[Tensor], grid: tuple[int, int]) -> list[Tensor]:
        """What `drop` says was kept, as (B, h, w) of 0 and 1."""
        return [decisions.unflatten(1, grid) for decisions in kept]

    def deciding(self, thresholds: Tensor) -> Decide:
        """The decisions of `drop`, for a pass that masks: the same steps whatever the images need."""

        def decide(stage: int, logits: Tensor, keep: Tensor) -> Tensor:
            return kept_of_bucket(log_odds(logits) - thresholds[stage], keep, self.bucket)

        return decide

    def following(self, thresholds: Tensor) -> Decide:
        """Like `deciding`, but first a stage's threshold moves to where these images keep its count in the mean."""
        decide = self.deciding(thresholds)
        rounding = (self.bucket - 1) / 2  # what rounding up adds in the mean

        def follow(stage: int, logits: Tensor, keep: Tensor) -> Tensor:
            share = (self.counts[stage] - rounding) / keep.float().sum(1).mean()
            wanted = log_odds(logits)[keep == 1].quantile((1 - share).clamp(0, 1))
            thresholds[stage].lerp_(wanted.to(thresholds), self.tracking)
            return decide(stage, logits, keep)

        return follow
