"""Per-query scores from the ranks of the hits: average precision in its two forms, and INP.

Letters: Q queries, n hits of all queries together.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from occreid.retrieval.matches import Ints

APForm = Literal["step", "trapezoid"]
"""``step``: mean of the precision at each hit, as most toolboxes. ``trapezoid``: mean of the precision just before
and at each hit, as Market-1501's own evaluation code."""

Floats = npt.NDArray[np.float64]


def average_precision(queries: Ints, ranks: Ints, num_queries: int, form: APForm = "step") -> Floats:
    """Average precision of each query.

    Args:
        queries: (n,) the query of each hit, ascending.
        ranks: (n,) its rank from 1, ascending within a query.
        num_queries: Q.
        form: see `APForm`.

    Returns:
        (Q,) in [0, 1]; NaN for a query without a hit.

    >>> queries, ranks = np.zeros(4, int), np.array([1, 2, 4, 7])
    >>> average_precision(queries, ranks, 1).round(4), average_precision(queries, ranks, 1, "trapezoid").round(4)
    (array([0.8304]), array([0.811]))
    """
    found = _found(queries)
    precision = found / ranks
    if form == "trapezoid":
        before = np.where(ranks == 1, 1.0, (found - 1) / np.maximum(ranks - 1, 1))
        precision = (before + precision) / 2
    hits = np.bincount(queries, minlength=num_queries)
    total = np.bincount(queries, weights=precision, minlength=num_queries)
    return np.divide(total, hits, out=np.full(num_queries, np.nan), where=hits > 0)


def inverse_negative_penalty(queries: Ints, ranks: Ints, num_queries: int) -> Floats:
    """INP of each query: number of hits / rank of the last hit (Ye et al., TPAMI 2021, Section 3.4).

    Arguments and result as `average_precision`.
    """
    result = np.full(num_queries, np.nan)
    result[queries] = _found(queries) / ranks  # a query's last hit is written last
    return result


def first_ranks(queries: Ints, ranks: Ints, num_queries: int) -> Ints:
    """Rank of the first hit of each query, 0 where it has none. Arguments as `average_precision`."""
    result = np.zeros(num_queries, np.int64)
    result[queries[::-1]] = ranks[::-1]
    return result


def _found(queries: Ints) -> Ints:
    """How many hits of its query have been found at each hit: 1, 2, … within each query."""
    hits = np.bincount(queries)
    return np.arange(1, len(queries) + 1) - np.repeat(np.cumsum(hits) - hits, hits)
