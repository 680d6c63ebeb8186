"""`Ranking`: what an evaluation found, with the protocol it was found under.

Letters: Q queries, S draws of a gallery (1 when all gallery images are used).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from occreid.display import html_table
from occreid.retrieval.matches import Ints
from occreid.retrieval.precision import Floats
from occreid.retrieval.protocol import Protocol


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ranking:
    """The result of `occreid.retrieval.evaluate`.

    Attributes:
        protocol: how it was scored.
        first_ranks: (S, Q) rank of the first hit from 1; 0 where the query has no valid match.
        average_precision: (Q,) in [0, 1], mean over draws; NaN where the query has no valid match.
        inverse_negative_penalty: (Q,) likewise.
        query_pids: (Q,) person of each query.
        query_camids: (Q,) camera of each query, or None.
        query_paths: Q file names, or None.
        gallery: counts of the gallery: images, ids.
        facts: whatever else belongs to the result: benchmark, dataset counts, weights' sha256, recipe, versions.
    """

    protocol: Protocol
    first_ranks: Ints
    average_precision: Floats
    inverse_negative_penalty: Floats
    query_pids: Ints
    query_camids: Ints | None = None
    query_paths: tuple[str, ...] | None = None
    gallery: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {100 * value:.1f}" for name, value in self.scores().items())
        return f"Ranking({scores}; {self.num_valid_queries} queries; {self.protocol.sentence()})"

    def _repr_html_(self) -> str:
        scores = self.scores()
        row = [*(f"{100 * value:.1f}" for value in scores.values()), self.num_valid_queries]
        return html_table([*scores, "queries"], [row], self.protocol.sentence())

    @property
    def ranks(self) -> tuple[int, ...]:
        """The CMC ranks asked for."""
        return self.protocol.ranks

    @property
    def valid(self) -> np.ndarray:
        """(Q,) bool: queries with a valid match, the only ones that count."""
        return self.first_ranks[0] > 0

    @property
    def num_valid_queries(self) -> int:
        """Queries that count."""
        return int(self.valid.sum())

    @property
    def num_skipped_queries(self) -> int:
        """Queries without a valid match; they enter no number."""
        return int((~self.valid).sum())

    @property
    def cmc(self) -> dict[int, float]:
        """Rank k → share of queries with a hit among the first k, in [0, 1]; the mean of the draws."""
        return {k: float(rates.mean()) for k, rates in self._rates().items()}

    @property
    def cmc_std(self) -> dict[int, float]:
        """Rank k → standard deviation of `cmc` over the draws (of a population; 0 for one draw)."""
        return {k: float(rates.std()) for k, rates in self._rates().items()}

    @property
    def mean_ap(self) -> float:
        """MAP in [0, 1]; NaN where no query counts (a subset may be empty)."""
        return _mean(self.average_precision[self.valid])

    @property
    def mean_ap_std(self) -> float:
        """Standard deviation of `mean_ap` over the draws; 0 for one draw."""
        if len(self.first_ranks) == 1:
            return 0.0
        ranks = self.first_ranks[:, self.valid]
        return float(single_hit_precision(ranks, self.protocol.ap).mean(1).std())

    @property
    def mean_inp(self) -> float:
        """MINP in [0, 1]: number of hits over the rank of the last, averaged."""
        return _mean(self.inverse_negative_penalty[self.valid])

    def hit_rate(self, k: int) -> Floats:
        """(Q,) share of draws with a hit among the first k; NaN where the query has no valid match."""
        rate = ((self.first_ranks > 0) & (self.first_ranks <= k)).mean(0)
        return np.where(self.valid, rate, np.nan)

    def select(self, queries: np.ndarray) -> Ranking:
        """The ranking of some queries only, against the same gallery.

        Args:
            queries: (Q,) bool, or row indices.
        """
        rows = np.flatnonzero(queries) if queries.dtype == bool else queries
        return Ranking(
            self.protocol,
            self.first_ranks[:, rows],
            self.average_precision[rows],
            self.inverse_negative_penalty[rows],
            self.query_pids[rows],
            None if self.query_camids is None else self.query_camids[rows],
            None if self.query_paths is None else tuple(self.query_paths[i] for i in rows),
            self.gallery,
            self.facts,
        )

    def scores(self) -> dict[str, float]:
        """All headline numbers in [0, 1]: ``mAP``, ``R-k`` for every rank, ``mINP``."""
        return {"mAP": self.mean_ap, **{f"R-{k}": v for k, v in self.cmc.items()}, "mINP": self.mean_inp}

    def _rates(self) -> dict[int, Floats]:
        ranks = self.first_ranks[:, self.valid]
        if not ranks.shape[1]:
            return {k: np.full(len(ranks), math.nan) for k in self.ranks}
        return {k: (ranks <= k).mean(1) for k in self.ranks}


def single_hit_precision(ranks: Ints, ap: str) -> Floats:
    """Average precision of queries with exactly one hit, at these ranks from 1; any shape.

    >>> single_hit_precision(np.array([1, 2]), "step"), single_hit_precision(np.array([1, 2]), "trapezoid")
    (array([1. , 0.5]), array([1.  , 0.25]))
    """
    return 1 / ranks if ap == "step" else np.where(ranks == 1, 1.0, 0.5 / np.maximum(ranks, 1))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
