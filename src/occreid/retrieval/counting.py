"""The loop that counts what comes before each hit, in one pass over the distances.

Letters: R queries, G gallery images, n hits of all R queries together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled
from occreid.retrieval.finishing import finish_number, finish_numbers

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Sums = npt.NDArray[np.int32]

_CHUNK = 2048  # distances: they stay in the processor's nearest cache while all hits of the row look at them
_LESS_THAN_ALL, _INFINITE = np.float32(-np.inf), np.float32(np.inf)


@compiled
def count_hits(values: Floats, column: Floats, finish: int, rows: Ints, columns: Ints, counts: Ints) -> None:
    """Add to ``counts`` how many images of its row come before each hit.

    Args:
        values: (R, G) numbers of an `occreid.orders.Order`; a NaN never comes before anything.
        column: what they lack, as there.
        finish: how it is added, as there.
        rows: (n,) row of each hit, ascending.
        columns: (n,) column of each hit.
        counts: (n,) the result; zeros before.
    """
    width, first = values.shape[1], 0
    limits, found, finished = np.empty(8, np.float32), np.empty(8, np.int32), np.empty(_CHUNK, np.float32)
    distances, above = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    bits, above_bits = distances.view(np.int32), above.view(np.int32)
    while first < len(rows):
        last = first
        row = values[rows[first]]
        while last < len(rows) and rows[last] == rows[first]:
            at = int(columns[last])
            distances[last] = finish_number(row[at], column[at] if finish else _INFINITE, finish)
            above_bits[last] = _bits_above(distances[last], bits[last])
            last += 1
        for start in range(0, width, _CHUNK):
            chunk = finished[: min(_CHUNK, width - start)]
            finish_numbers(row[start : start + len(chunk)], column[start : start + len(chunk)], finish, chunk)
            for group in range(first, last, 8):
                members = min(8, last - group)
                limits[:] = _LESS_THAN_ALL
                for place in range(members):
                    distance, middle = distances[group + place], columns[group + place] - start
                    # left of a hit, x ≤ d comes before it, which is x < the next larger number; +∞ has none, and
                    # that of 0 is denormal: it counts as 0 where such numbers are flushed, as in a training
                    behind = middle >= len(chunk)
                    limits[place] = above[group + place] if behind else distance
                    if middle > 0 and not (behind and above[group + place] > distance):
                        counts[group + place] += _count_equal(chunk[: min(middle, len(chunk))], distance)
                _count_eight(chunk, limits, found)
                for place in range(members):
                    counts[group + place] += found[place]
        first = last


@compiled
def _bits_above(distance: np.float32, bits: np.int32) -> np.int32:
    """The bits of the next larger number, those of +∞ for +∞: ten times as fast as `numpy.nextafter` here."""
    if distance == 0:  # also −0
        return np.int32(1)
    if distance == _INFINITE:
        return np.int32(bits)
    return np.int32(bits + 1) if distance > 0 else np.int32(bits - 1)


@compiled
def _count_equal(chunk: Floats, distance: np.float32) -> np.int32:
    equal = np.int32(0)
    for place in range(len(chunk)):  # by place, not by value: only so Numba takes several at a time
        equal = np.int32(equal + np.int32(chunk[place] == distance))
    return equal


@compiled
def _count_eight(chunk: Floats, limits: Floats, found: Sums) -> None:
    """How many are below each of eight limits: eight sums that stay in registers, each value loaded once.

    Sums as wide as the values: then eight comparisons and sums are two instructions.
    """
    a, b, c, d, e, f, g, h = (
        limits[0], limits[1], limits[2], limits[3], limits[4], limits[5], limits[6], limits[7],
    )  # fmt: skip
    below_a = below_b = below_c = below_d = below_e = below_f = below_g = below_h = np.int32(0)
    for place in range(len(chunk)):
        value = chunk[place]
        below_a = np.int32(below_a + np.int32(value < a))
        below_b = np.int32(below_b + np.int32(value < b))
        below_c = np.int32(below_c + np.int32(value < c))
        below_d = np.int32(below_d + np.int32(value < d))
        below_e = np.int32(below_e + np.int32(value < e))
        below_f = np.int32(below_f + np.int32(value < f))
        below_g = np.int32(below_g + np.int32(value < g))
        below_h = np.int32(below_h + np.int32(value < h))
    found[0], found[1], found[2], found[3] = below_a, below_b, below_c, below_d
    found[4], found[5], found[6], found[7] = below_e, below_f, below_g, below_h
