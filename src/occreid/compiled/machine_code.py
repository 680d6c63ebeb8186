"""Loops over numbers as machine code, by Numba: no compiler is needed at install.

For the few loops that touch hundreds of millions of distances and that NumPy could only do in several passes, each
of which holds the interpreter's lock. A first call compiles, one to four seconds; the code is then kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Decorator of a function over arrays and numbers; threads run it side by side.

    Sums of floating-point numbers may be added in any order, so that they can be added several at a time: write only
    sums that are exact (counts below 2²⁴) or that nobody compares to the last bit.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc"}, "error_model": "numpy"}
    try:
        return cast(Loop, numba.njit(cache=True, **options)(loop))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written: compile in each process
        return cast(Loop, numba.njit(**options)(loop))
