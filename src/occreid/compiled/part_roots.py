"""The loops over a tile of ``visible_parts`` distances: one pass for each part instead of three, one instead of four
at the end. Only for the CPU. Letters: R × C images in a tile.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled.machine_code import compiled

Floats = npt.NDArray[np.float32]
_ZERO, _INFINITE = np.float32(0), np.float32(np.inf)


@compiled
def add_roots(total: Floats, stride: int, squared: Floats, first: bool) -> None:
    """Add the roots of squared distances, where above 0, to a tile; the ``first`` part starts it anew.

    Args:
        total: the memory of the tile from its first number to its last, rows ``stride`` numbers apart.
        stride: see there.
        squared: (R, C).
        first: whether this is the first part.
    """
    width = squared.shape[1]
    for row in range(squared.shape[0]):
        into, given = total[row * stride : row * stride + width], squared[row]
        if first:
            for place in range(width):
                into[place] = np.sqrt(max(given[place], _ZERO))
        else:
            for place in range(width):
                into[place] += np.sqrt(max(given[place], _ZERO))


@compiled
def divide_by_shared(total: Floats, stride: int, shared: Floats) -> None:
    """Make the sums of R × C pairs means over the parts that both show, (R, C); +∞ where there are none."""
    width = shared.shape[1]
    for row in range(shared.shape[0]):
        into, parts = total[row * stride : row * stride + width], shared[row]
        for place in range(width):
            into[place] = into[place] / parts[place] if parts[place] > 0 else _INFINITE
