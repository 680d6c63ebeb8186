"""The loops over a tile of ``visible_parts`` distances: one pass for each part instead of three, one instead of four
at the end. Only for the CPU. Letters: R × C images in a tile, P parts, G gallery images.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled.machine_code import compiled

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_ZERO, _INFINITE = np.float32(0), np.float32(np.inf)


@compiled
def add_roots(total: Floats, stride: int, squared: Floats, place: Ints, first: bool) -> None:
    """Add the roots of squared distances, where above 0, to a tile; the ``first`` part starts it anew.

    Args:
        total: the memory of the tile from its first number to its last, rows ``stride`` numbers apart.
        stride: see there.
        squared: (S, C) of the S ≤ R rows that show the part.
        place: (R + 1,) counts up by one behind each row that shows the part, from any number.
        first: whether this is the first part.
    """
    width = squared.shape[1]
    for row in range(len(place) - 1):
        into = total[row * stride : row * stride + width]
        if place[row + 1] > place[row]:
            given = squared[place[row] - place[0]]
            if first:
                for column in range(width):
                    into[column] = np.sqrt(max(given[column], _ZERO))
            else:
                for column in range(width):
                    into[column] += np.sqrt(max(given[column], _ZERO))
        elif first:
            into[:] = _ZERO


@compiled
def divide_by_shared(total: Floats, stride: int, seen: Bools, others: Floats, left: int, width: int) -> None:
    """Make the sums of R × C pairs means over the parts that both show; +∞ where there are none.

    Args:
        total: as `add_roots`, like the next.
        stride: see there.
        seen: (R, P) which parts the rows show.
        others: (P, G) 1 where an image of the columns shows the part, else 0.
        left: first column of the tile among the G.
        width: C.
    """
    shared = np.zeros(width, np.float32)
    for row in range(len(seen)):
        if row == 0 or (seen[row] != seen[row - 1]).any():
            shared[:] = _ZERO
            for part in range(seen.shape[1]):
                if seen[row, part]:
                    shown = others[part, left : left + width]
                    for column in range(width):
                        shared[column] += shown[column]
        into = total[row * stride : row * stride + width]
        for column in range(width):
            into[column] = into[column] / shared[column] if shared[column] > 0 else _INFINITE
