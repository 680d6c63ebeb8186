"""The loop that keeps the nearest images of each row, in one pass over the distances.

Letters: R rows, G gallery images, k neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled
from occreid.retrieval.finishing import finish_numbers

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

_CHUNK = 1024  # numbers: they stay in the processor's nearest cache
_FEW = 64  # of those: most hold nothing near, and that is seen of all at once
_INFINITE = np.float32(np.inf)


@compiled
def keep_nearest(values: Floats, column: Floats, finish: int, nearest: Indices, farthest: Floats) -> None:
    """Fill the k nearest of each row, ascending, ties by column, and each row's largest finite number.

    Args:
        values: (R, G) numbers of an `occreid.orders.Order`.
        column: what they lack, as there.
        finish: how it is added, as there.
        nearest: (R, k) the result; places beyond the finite numbers stay as they were.
        farthest: (R,) the result; −∞ where no number is finite.
    """
    k, width = nearest.shape[1], values.shape[1]
    kept, chunk = np.empty(k, np.float32), np.empty(_CHUNK, np.float32)
    for row in range(len(values)):
        kept[:] = _INFINITE
        largest = -_INFINITE
        for start in range(0, width, _CHUNK):
            finished = chunk[: min(_CHUNK, width - start)]
            stop = start + len(finished)
            finish_numbers(values[row, start:stop], column[start:stop], finish, finished)
            for first in range(0, len(finished), _FEW):
                few = finished[first : first + _FEW]
                lower, higher = _count_outside(few, kept, largest)
                if lower:
                    for place in range(len(few)):
                        if few[place] < kept[k - 1]:
                            _insert(few[place], start + first + place, kept, nearest[row])
                if higher:
                    for place in range(len(few)):
                        if largest < few[place] < _INFINITE:
                            largest = few[place]
        farthest[row] = largest


@compiled
def _count_outside(numbers: Floats, kept: Floats, high: np.float32) -> tuple[np.int32, np.int32]:
    """How many are below the last number kept, and how many finite ones above the largest."""
    lower = higher = np.int32(0)
    low = kept[-1]
    for place in range(len(numbers)):
        number = numbers[place]
        lower = np.int32(lower + np.int32(number < low))
        higher = np.int32(higher + np.int32((number > high) & (number < _INFINITE)))
    return lower, higher


@compiled
def _insert(number: np.float32, image: int, kept: Floats, images: Indices) -> None:
    """Put a number in its place, behind equal ones, and drop the last."""
    place = len(kept) - 1
    while place > 0 and kept[place - 1] > number:
        kept[place], images[place] = kept[place - 1], images[place - 1]
        place -= 1
    kept[place], images[place] = number, image
