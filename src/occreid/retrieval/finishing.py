"""The step that every loop over an `occreid.orders.Order` begins with.

Numba keeps a loop's machine code, with this step in it, for as long as the file of that loop is the same: whoever
changes this one must change those of `count_hits` and `keep_nearest`, too, or old code runs on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled
from occreid.orders import ADD, SCALE

Floats = npt.NDArray[np.float32]
_ONE, _TWO = np.float32(1), np.float32(2)


@compiled
def finish_number(number: np.float32, lacking: np.float32, finish: int) -> np.float32:
    """A number with what its column lacks, as `occreid.orders.Order.whole`."""
    if finish == ADD:
        return lacking - _TWO * number
    return number * lacking + _ONE if finish == SCALE else number


@compiled
def finish_numbers(numbers: Floats, column: Floats, finish: int, out: Floats) -> None:
    """Write n numbers finished; ``column`` is not looked at where nothing lacks."""
    if finish == ADD:
        for place in range(len(numbers)):
            out[place] = finish_number(numbers[place], column[place], ADD)
    elif finish == SCALE:
        for place in range(len(numbers)):
            out[place] = finish_number(numbers[place], column[place], SCALE)
    else:
        for place in range(len(numbers)):
            out[place] = numbers[place]
