"""Sparse rows of weights, and the two things re-ranking does with them.

Letters: N rows over N columns, n weights in all, Q queries (the first rows), G = N − Q.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from occreid.retrieval.matches import Ints
from occreid.retrieval.precision import Floats

_PIECE = 2**21  # weights handled at once: some tens of megabytes


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix by rows: row i holds ``columns[starts[i]:starts[i+1]]`` with ``weights`` likewise."""

    starts: Ints
    columns: Ints
    weights: Floats


def average_rows(rows: Rows, members: npt.NDArray[np.int32]) -> Rows:
    """Row i of the result is the mean of the rows ``members[i]``, members (N, k); a member N is nobody."""
    from occreid.retrieval.overlaps import add_means  # loading Numba takes a moment, and only re-ranking needs it

    counts, columns, weights = np.empty(len(members), np.int64), [], []
    length = np.append(np.diff(rows.starts), 0)
    step = max(1, int(_PIECE / max(1.0, members.shape[1] * length.mean())))
    for start in range(0, len(members), step):
        chosen, number = members[start : start + step], counts[start : start + step]
        most = int(length[chosen].sum())
        column, weight = np.empty(most, np.int64), np.empty(most)
        add_means(rows.starts, rows.columns, rows.weights, chosen, number, column, weight)
        columns.append(column[: number.sum()].copy())
        weights.append(weight[: number.sum()].copy())
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Rows(starts, np.concatenate(columns), np.concatenate(weights))


def overlap_blocks(rows: Rows, num_queries: int, step: int) -> Iterator[Tensor]:
    """Σ min(row of a query, row of a gallery image) over the columns, ``step`` queries at a time.

    Args:
        rows: N rows; the first Q are queries.
        num_queries: Q.
        step: queries in a block, R.

    Yields:
        (R, G) float32.
    """
    from occreid.retrieval.overlaps import add_overlaps, turn

    num_gallery = len(rows.starts) - 1 - num_queries
    tail = rows.starts[num_queries]
    count = np.bincount(rows.columns[tail:], minlength=len(rows.starts) - 1)
    first = np.concatenate([[0], np.cumsum(count)])
    image, weight = np.empty(first[-1], np.int32), np.empty(first[-1])
    turn(rows.starts[num_queries:], rows.columns, rows.weights, first, image, weight)
    for start in range(0, num_queries, step):
        stop = min(start + step, num_queries)
        block = np.zeros((stop - start, num_gallery))
        add_overlaps(rows.starts[start : stop + 1], rows.columns, rows.weights, first, image, weight, block)
        yield torch.from_numpy(block).float()
