"""Numbers too small to be worth their time.

Weight decay shrinks the weights of units that no gradient reaches for ever. Below 1.2e-38 float32 numbers are
denormal: they say next to nothing, but many processors are tens of times slower with them, and a network that has a few
hundred such weights trains at a third of its speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def flushes_denormals() -> bool:
    """Whether this thread takes denormal numbers for 0."""
    return (torch.full((1,), torch.finfo(torch.float32).tiny) * 0.5).item() == 0


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Within the block denormal numbers count as 0 on this thread, and on the threads that it starts.

    Torch's own threads are started by the first product that is large enough for several; they keep the way of the
    thread that started them. Processors that cannot do it (neither SSE3 nor AArch64) compute as ever.
    """
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
