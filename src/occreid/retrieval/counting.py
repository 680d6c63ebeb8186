"""The loop that counts what comes before each hit, in one pass over the distances.

Letters: R queries, G gallery images, n hits of all R queries together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_CHUNK = 1024  # distances: they stay in the processor's nearest cache while all hits of the row look at them
_LESS_THAN_ALL = np.float32(-np.inf)
_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def count_hits(values: Floats, rows: Ints, columns: Ints, distances: Floats, above: Floats, counts: Ints) -> None:
    """Fill ``counts`` with how many images of its row come before each hit.

    Args:
        values: (R, G) distances; a NaN never comes before anything.
        rows: (n,) row of each hit, ascending.
        columns: (n,) column of each hit.
        distances: (n,) distance of each hit.
        above: (n,) the next larger number: left of a hit's column, x ≤ d counts, which is x < above.
        counts: (n,) the result.
    """
    width, first = values.shape[1], 0
    limits = np.empty(8, np.float32)
    while first < len(rows):
        last = first + 1
        while last < len(rows) and rows[last] == rows[first]:
            last += 1
        row = values[rows[first]]
        for start in range(0, width, _CHUNK):
            chunk = row[start : min(width, start + _CHUNK)]
            for group in range(first, last, 8):
                members = min(8, last - group)
                for place in range(8):
                    limits[place] = _LESS_THAN_ALL
                    if place < members:
                        hit = group + place
                        middle = columns[hit] - start
                        if 0 <= middle < len(chunk) or distances[hit] == np.inf:
                            counts[hit] += np.int64(_count_one(chunk, middle, distances[hit]))
                        else:
                            limits[place] = distances[hit] if middle < 0 else above[hit]
                found = _count_eight(chunk, limits)
                for place in range(members):
                    counts[group + place] += np.int64(found[place])
        first = last


@compiled
def _count_one(chunk: Floats, middle: int, distance: np.float32) -> np.floating:
    """Those not above ``distance`` in the first ``middle`` places, and those below it in the others."""
    middle = min(max(middle, 0), len(chunk))
    left, right = chunk[:middle], chunk[middle:]
    ahead = _ZERO
    for place in range(len(left)):  # by place, not by value: only so Numba takes several at a time
        ahead += _ONE if left[place] <= distance else _ZERO
    for place in range(len(right)):
        ahead += _ONE if right[place] < distance else _ZERO
    return ahead


@compiled
def _count_eight(chunk: Floats, limits: Floats) -> tuple[np.floating, ...]:
    """How many are below each of eight limits: eight sums that stay in registers, each value loaded once."""
    a, b, c, d, e, f, g, h = (
        limits[0], limits[1], limits[2], limits[3], limits[4], limits[5], limits[6], limits[7],
    )  # fmt: skip
    below_a = below_b = below_c = below_d = below_e = below_f = below_g = below_h = _ZERO
    for place in range(len(chunk)):
        value = chunk[place]
        below_a += _ONE if value < a else _ZERO
        below_b += _ONE if value < b else _ZERO
        below_c += _ONE if value < c else _ZERO
        below_d += _ONE if value < d else _ZERO
        below_e += _ONE if value < e else _ZERO
        below_f += _ONE if value < f else _ZERO
        below_g += _ONE if value < g else _ZERO
        below_h += _ONE if value < h else _ZERO
    return below_a, below_b, below_c, below_d, below_e, below_f, below_g, below_h
