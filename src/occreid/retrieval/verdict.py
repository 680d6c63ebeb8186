"""Whether a comparison counts: what a page may say of two results, and what it must not.

One rule for all of them: a paired bootstrap over persons, on enough queries, with several training seeds that agree in
sign. Anything less is "no difference shown", however large it looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occreid.errors import UserError, did_you_mean
from occreid.retrieval.bootstrap import Difference, compare
from occreid.retrieval.ranking import Ranking

LEVEL, QUERIES, SEEDS = 0.05, 300, 3
"""Largest p, fewest queries that count, fewest runs of each side."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison shows.

    Attributes:
        difference: of the means over runs, second − first.
        queries: that count.
        seeds: runs of each side.
        agree: whether no two pairs of runs differ in opposite directions; a pair that is equal differs in none.
    """

    difference: Difference
    queries: int
    seeds: int
    agree: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What it lacks to count, a few words each."""
        found = self.difference
        lacks = {
            f"p = {found.p_value:.3f}": found.p_value < LEVEL,
            f"{self.queries:,} queries, fewer than {QUERIES}": self.queries >= QUERIES,
            f"{self.seeds} of {SEEDS} seeds": self.seeds >= SEEDS,
            "seeds differ in sign": self.agree,
        }
        return tuple(words for words, fulfilled in lacks.items() if not fulfilled)

    def sentence(self, first: str, second: str) -> str:
        """For a page: who is better, or that no difference is shown and why."""
        if self.missing:
            return f"No difference shown between {first} and {second} ({'; '.join(self.missing)})."
        better, worse = (second, first) if self.difference.second > self.difference.first else (first, second)
        return f"{better} is better than {worse} (p = {self.difference.p_value:.3f}, {self.seeds} seeds)."


def verdict(
    first: Sequence[Ranking], second: Sequence[Ranking], score: str = "mAP", *, resamples: int = 2000, seed: int = 0
) -> Verdict:
    """Compare runs of two methods.

    Args:
        first: the reference's runs, one for each training seed.
        second: the other's, in the same order.
        score: which of `Ranking.scores`.
        resamples: of the bootstrap.
        seed: of the resamples.

    Raises:
        UserError: a score the rankings do not have, or what `compare` raises.
    """
    compared = compare(first, second, resamples, seed=seed)
    if score not in compared:
        raise UserError(f"there is no score '{score}'.", did_you_mean(score, compared))
    changes = [b.scores()[score] - a.scores()[score] for a, b in zip(first, second, strict=True)]
    agree = not min(changes) < 0 < max(changes)
    found = compared[score]
    return Verdict(found, int(first[0].valid.sum()), len(first), agree)
