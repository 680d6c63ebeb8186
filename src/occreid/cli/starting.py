"""How a short command starts quickly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's collector of cycles, for a command that is over in seconds; also a decorator.

    It would walk through torch and lancedb again and again while they are being imported, a sixth of a search's start.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
