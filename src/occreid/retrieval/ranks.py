"""The rank of a hit without sorting: one more than the number of images that come before it.

Letters: R queries of one piece, G gallery images, n hits of all R queries together.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from occreid.orders import Order
from occreid.retrieval.matches import Ints

_SORT_FROM = 80  # hits of one query from which sorting its row once costs less than counting for each
_SORTED_AT_ONCE = 2**20  # distances: 4 MiB
_LOOP_FROM = 2**19  # distances of a block: below, loading the compiled loop costs more than it saves


def count_before(order: Order, rows: Ints, columns: Ints) -> Ints:
    """How many images of a row come before each hit: those closer, and equally close ones of lower index.

    Args:
        order: of R × G images; NaN marks what nobody may see. +∞ is a distance like any other. Its numbers may be
            written over.
        rows: (n,) row of each hit, ascending.
        columns: (n,) column of each hit.

    Returns:
        (n,) counts ≥ 0.
    """
    if order.numbers.device.type != "cpu":
        return _count_on_device(order.whole(), rows, columns)
    hits_of_row = np.bincount(rows, minlength=len(order))[rows]
    small = order.numbers.numel() < _LOOP_FROM and not _loop_is_loaded()
    sort = np.full(len(rows), True) if small else hits_of_row >= _SORT_FROM
    if not sort.any():
        return _count_by_loop(order, rows, columns)
    values, counts = order.whole(), np.empty(len(rows), np.int64)
    counts[sort] = _count_by_sorting(values.numpy(), rows[sort], columns[sort])
    counts[~sort] = _count_by_loop(Order.of(values), rows[~sort], columns[~sort]) if not sort.all() else 0
    return counts


def _loop_is_loaded() -> bool:
    """Whether somebody has paid for it already, as a larger gallery or a training's first validation."""
    return "occreid.retrieval.counting" in sys.modules


def _count_by_loop(order: Order, rows: Ints, columns: Ints) -> Ints:
    from occreid.retrieval.counting import count_hits  # loading Numba takes longer than small benchmarks do

    counts = np.zeros(len(rows), np.int64)
    count_hits(order.numbers.numpy(), order.column.numpy(), order.finish, rows, columns, counts)
    return counts


def _count_by_sorting(values: npt.NDArray[np.float32], rows: Ints, columns: Ints) -> Ints:
    counts = np.empty(len(rows), np.int64)
    wanted, which = np.unique(rows, return_inverse=True)
    step = max(1, _SORTED_AT_ONCE // max(1, values.shape[1]))
    for first in range(0, len(wanted), step):
        start, stop = np.searchsorted(which, (first, first + step))
        counts[start:stop] = _count_sorted(
            values[wanted[first : first + step]], which[start:stop] - first, columns[start:stop]
        )
    return counts


def _count_sorted(values: npt.NDArray[np.float32], rows: Ints, columns: Ints) -> Ints:
    """`_count_by_sorting` of a few rows, each with a hit."""
    distances, nth = values[rows, columns], np.arange(len(rows)) - np.searchsorted(rows, rows)
    own = np.full((len(values), nth.max() + 1), np.float32(np.inf))
    own[rows, nth] = distances
    in_order = torch.from_numpy(np.sort(values, axis=1)).nan_to_num_(nan=torch.inf, posinf=torch.inf)  # NaN was last
    before, behind = (
        torch.searchsorted(in_order, torch.from_numpy(own), right=right).numpy() for right in (False, True)
    )
    counts = before[rows, nth]
    for hit in np.flatnonzero(behind[rows, nth] - counts > 1):  # as close as others: those to the left come before
        counts[hit] += np.count_nonzero(values[rows[hit], : columns[hit]] == distances[hit])
    return counts


def _count_on_device(block: Tensor, rows: Ints, columns: Ints) -> Ints:
    """The same counts without a loop: each distance is put between the hits of its row, and what lies between counted.

    Distance and column together make one integer key, so that no two keys of a row are equal and ties fall as they
    should.
    """
    if not len(rows):
        return np.empty(0, np.int64)
    row, column = (torch.from_numpy(i).to(block.device) for i in (rows, columns))
    keys = _keys(block)
    nth = torch.from_numpy(np.arange(len(rows)) - np.searchsorted(rows, rows)).to(block.device)
    most = int(np.bincount(rows).max())
    own = keys.new_full((len(block), most), torch.iinfo(torch.int64).max)
    own[row, nth] = keys[row, column]
    own, order = own.sort(1)
    # 0 … most: before the first hit of its row, between two, behind the last
    between = torch.searchsorted(own, keys, right=True)
    between += (most + 1) * torch.arange(len(block), device=block.device)[:, None]
    found = torch.bincount(between.flatten(), minlength=len(block) * (most + 1)).view(len(block), most + 1)
    before = torch.empty_like(own).scatter_(1, order, found.cumsum(1)[:, :most])
    return before[row, nth].cpu().numpy()


def _keys(block: Tensor) -> Tensor:
    """(R, G) int64 that are ordered as (distance, column); NaN comes last."""
    bits = (block + 0.0).view(torch.int32).long()  # + 0: of −0 and 0 neither is closer
    bits = torch.where(bits < 0, -(2**31) - 1 - bits, bits)  # negative floats: the larger the bits, the lower
    bits = bits.masked_fill_(block.isnan(), 2**31 - 1)
    return (bits << 32) + torch.arange(block.shape[1], device=block.device)
