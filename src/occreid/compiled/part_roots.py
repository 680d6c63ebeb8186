"""The loop over a tile of ``visible_parts`` distances: one pass over the products of all parts instead of several for
each. Only for the CPU. Letters: R × C images in a tile, P parts, G gallery images.
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
def mean_roots(
    means: Floats, stride: int, squared: Floats, place: Ints, seen: Bools, others: Floats, left: int
) -> None:
    """Write the mean roots of the squared distances, where above 0, over the parts that both show; +∞ where none is.

    Args:
        means: the memory of the tile from its first number to its last, rows ``stride`` numbers apart.
        stride: see there.
        squared: (P, ≥ R, C): a part's first rows hold its distances for those of the R rows that show it.
        place: (P, R + 1) counts up by one behind each row that shows the part, from any number.
        seen: (R, P) which parts the rows show.
        others: (P, G) 1 where an image of the columns shows the part, else 0.
        left: first column of the tile among the G.
    """
    parts, width = squared.shape[0], squared.shape[2]
    shared = np.zeros(width, np.float32)
    for row in range(len(seen)):
        if row == 0 or _differ(seen[row], seen[row - 1]):
            shared[:] = _ZERO
            for part in range(parts):
                if seen[row, part]:
                    shown = others[part, left : left + width]
                    for column in range(width):
                        shared[column] += shown[column]
        into, first = means[row * stride : row * stride + width], True
        for part in range(parts):
            if not seen[row, part]:
                continue
            given = squared[part, place[part, row] - place[part, 0]]
            if first:
                for column in range(width):
                    into[column] = np.sqrt(max(given[column], _ZERO))
            else:
                for column in range(width):
                    into[column] += np.sqrt(max(given[column], _ZERO))
            first = False
        for column in range(width):
            into[column] = into[column] / shared[column] if shared[column] > 0 else _INFINITE


@compiled
def _differ(one: Bools, other: Bools) -> bool:
    for part in range(len(one)):  # noqa: SIM110 - Numba knows no generators
        if one[part] != other[part]:
            return True
    return False
