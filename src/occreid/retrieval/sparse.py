"""Sparse rows of weights, and the two things re-ranking does with them.

Letters: N rows over N columns, n weights in all, Q queries (the first rows), G = N − Q.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
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


def average_rows(rows: Rows, members: Ints) -> Rows:
    """Row i of the result is the mean of the rows ``members[i]``, members (N, k); a member N is nobody."""
    counts, columns, weights = [], [], []
    length = np.append(np.diff(rows.starts), 0)
    num, k = members.shape
    step = max(1, int(_PIECE / max(1.0, k * length.mean())))
    for start in range(0, num, step):
        chosen = members[start : start + step]
        places, owner = _spans(rows.starts[chosen].ravel(), length[chosen].ravel())
        keys = (owner // k) * num + rows.columns[places]
        order = np.argsort(keys, kind="stable")
        keys, added = keys[order], rows.weights[places][order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        row = keys[first] // num
        total = np.add.reduceat(added, first) if len(first) else added
        weights.append(total / (chosen < num).sum(1)[row])
        columns.append(keys[first] % num)
        counts.append(np.bincount(row, minlength=len(chosen)))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
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
    from occreid.retrieval.overlaps import add_overlaps  # loading Numba takes a moment, and only re-ranking needs it

    num_gallery = len(rows.starts) - 1 - num_queries
    owners = np.repeat(np.arange(num_gallery), np.diff(rows.starts[num_queries:]))
    tail = rows.starts[num_queries]
    by_column = np.argsort(rows.columns[tail:], kind="stable")
    image, weight = owners[by_column], rows.weights[tail:][by_column]
    count = np.bincount(rows.columns[tail:], minlength=len(rows.starts) - 1)
    first = np.concatenate([[0], np.cumsum(count)])
    for start in range(0, num_queries, step):
        stop = min(start + step, num_queries)
        block = np.zeros((stop - start, num_gallery))
        add_overlaps(rows.starts[start : stop + 1], rows.columns, rows.weights, first, image, weight, block)
        yield torch.from_numpy(block).float()


def _spans(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """The places of several spans one after another, and which span each belongs to."""
    owner = np.repeat(np.arange(len(starts)), lengths)
    offset = np.cumsum(lengths) - lengths
    return np.arange(len(owner)) + (starts - offset)[owner], owner
