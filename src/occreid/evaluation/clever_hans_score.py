"""The Clever Hans score and how sure it is, for pasted and for natural occluders alike. The score is ours.

Letters: T trials or queries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clever_hans_score(fooled: float, fooled_anyway: float) -> float:
    """The share of right answers that sharing the occluder turns into wrong ones, at least 0.

    Args:
        fooled: how often a wrong picture beats the right one while it shares the query's occluder, 0 to 1.
        fooled_anyway: how often one does that does not share it, 0 to 1.

    >>> clever_hans_score(0.6, 0.2), clever_hans_score(0.1, 0.2), clever_hans_score(1.0, 1.0)
    (0.49999999999999994, 0.0, 0.0)
    """
    room = 1 - fooled_anyway
    return max(0.0, (fooled - fooled_anyway) / room) if room > 0 else 0.0


class Scored(ABC):
    """What the score is read from, for T trials or queries.

    Attributes:
        shared: (T,) how often the wrong picture came before the right one while it shared the query's occluder.
        other: (T,) the same while it did not.
    """

    __slots__ = ()
    shared: Floats
    other: Floats

    @property
    @abstractmethod
    def persons(self) -> NDArray[np.int64]:
        """(T,) whose query each was."""

    @property
    def fooled(self) -> float:
        """Mean of `shared`, 0 to 1: how often the wrong picture wins while it shares the query's occluder."""
        return float(self.shared.mean())

    @property
    def fooled_anyway(self) -> float:
        """Mean of `other`, 0 to 1: how often it wins without, the model's ordinary errors."""
        return float(self.other.mean())

    @property
    def score(self) -> float:
        """0 for a model that does not look at the occluders, 1 for one that looks at nothing else.

        See `clever_hans_score`; a model that is always wrong scores 0.
        """
        return clever_hans_score(self.fooled, self.fooled_anyway)

    def interval(self, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
        """95 % interval of the score: bootstrap over the queries' persons."""
        return score_interval(self.shared, self.other, self.persons, draws, seed)


def score_interval(
    shared: Floats, other: Floats, pids: NDArray[np.int64], draws: int, seed: int
) -> tuple[float, float]:
    """95 % interval of the score: bootstrap over persons, each with all that is theirs.

    Args:
        shared: (T,) how often sharing fooled; their mean is ``fooled``.
        other: (T,) likewise without.
        pids: (T,) whose query it was.
        draws: resamples.
        seed: of the resamples.
    """
    groups = [np.flatnonzero(pids == pid) for pid in np.unique(pids)]
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(draws):
        chosen = np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        scores.append(clever_hans_score(float(shared[chosen].mean()), float(other[chosen].mean())))
    low, high = np.quantile(scores, (0.025, 0.975))
    return float(low), float(high)


def comes_first(one: NDArray[np.floating], other: NDArray[np.floating]) -> Floats:
    """1 where a distance is smaller than the other, ½ where they are equal to float32's rounding, else 0."""
    tie = np.isclose(one, other, rtol=1e-5, atol=1e-6) | (np.isinf(one) & np.isinf(other))
    return np.where(tie, 0.5, (one < other).astype(np.float64))
