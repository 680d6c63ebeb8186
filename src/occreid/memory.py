"""Memory that the processor hands out in large pieces."""

from __future__ import annotations

import contextlib
import math
import mmap

import torch
from torch import Tensor

_LARGE = 2**25  # bytes: what is smaller, a C library keeps for the next who asks, and its pages are touched already


def large_empty(*shape: int, device: torch.device) -> Tensor:
    """An uninitialised float32 tensor for tens of megabytes that are used for one evaluation and given back.

    Where the system offers it (Linux), the memory is asked for in huge pages: the first touch of each ordinary page,
    one of 1,024 numbers, costs the processor a microsecond or two, which is as long as it takes to compute a tenth of
    their distances.

    Args:
        shape: of the tensor.
        device: anything but the CPU has memory of its own.
    """
    size = 4 * math.prod(shape)
    if device.type != "cpu" or size < _LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(*shape, device=device)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel built without them: ordinary pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.float32).view(shape)
