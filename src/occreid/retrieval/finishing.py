"""The step that every loop over an `occreid.orders.Order` begins with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled
from occreid.orders import ADD, SCALE

Floats = npt.NDArray[np.float32]
_ONE = np.float32(1)


@compiled
def finish_numbers(numbers: Floats, column: Floats, finish: int, out: Floats) -> None:
    """Write n numbers with what their columns lack, as `occreid.orders.Order.whole`; ``column`` is not looked at
    where nothing does.
    """
    if finish == ADD:
        for place in range(len(numbers)):
            out[place] = numbers[place] + column[place]
    elif finish == SCALE:
        for place in range(len(numbers)):
            out[place] = numbers[place] * column[place] + _ONE
    else:
        for place in range(len(numbers)):
            out[place] = numbers[place]
