"""The rank of a hit without sorting: one more than the number of images that come before it.

Letters: R queries of one piece, G gallery images, n hits of all R queries together.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from occreid.retrieval.matches import Ints

_SORT_FROM = 40  # hits of one query from which sorting its row once costs less than counting for each


def count_before(block: Tensor, rows: Ints, columns: Ints) -> Ints:
    """How many images of a row come before each hit: those closer, and equally close ones of lower index.

    Args:
        block: (R, G) float32 distances; NaN marks what nobody may see. +∞ is a distance like any other.
        rows: (n,) row of each hit, ascending.
        columns: (n,) column of each hit.

    Returns:
        (n,) counts ≥ 0.
    """
    if block.device.type != "cpu":
        return _count_on_device(block, rows, columns)
    values = block.numpy()
    counts = np.empty(len(rows), np.int64)
    before = np.empty(values.shape[1], bool)
    edges = np.flatnonzero(np.diff(rows, prepend=-1, append=-1)) if len(rows) else []
    for first, last in pairwise(edges):
        row = values[rows[first]]
        if last - first >= _SORT_FROM:
            counts[first:last] = _count_by_sorting(row, columns[first:last])
            continue
        for hit in range(first, last):
            column = columns[hit]
            distance = row[column]
            # an equal distance counts on the left of the hit only; a NaN never does
            np.less_equal(row[:column], distance, out=before[:column])
            np.less(row[column:], distance, out=before[column:])
            counts[hit] = np.count_nonzero(before)
    return counts


def _count_by_sorting(row: npt.NDArray[np.float32], columns: Ints) -> Ints:
    distances = row[columns]
    in_order = np.sort(row)  # NaN last
    counts = np.searchsorted(in_order, distances, "left")
    tied = np.searchsorted(in_order, distances, "right") - counts > 1
    for hit in np.flatnonzero(tied):
        counts[hit] += np.count_nonzero(row[: columns[hit]] == distances[hit])
    return counts


def _count_on_device(block: Tensor, rows: Ints, columns: Ints) -> Ints:
    """The same counts by passes over whole blocks: the first hit of every row, then the second, ..."""
    row, column = (torch.from_numpy(i).to(block.device) for i in (rows, columns))
    order = torch.arange(block.shape[1], device=block.device)
    nth = torch.from_numpy(np.arange(len(rows)) - np.searchsorted(rows, rows)).to(block.device)
    counts = torch.empty(len(rows), dtype=torch.int64, device=block.device)
    for turn in range(int(nth.max()) + 1 if len(rows) else 0):
        hits = (nth == turn).nonzero().flatten()
        values = block[row[hits]]
        distance = block[row[hits], column[hits]][:, None]
        ahead = (values < distance) | ((values == distance) & (order < column[hits][:, None]))
        counts[hits] = ahead.sum(1)
    return counts.cpu().numpy()
