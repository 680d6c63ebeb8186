"""What a model costs whatever the machine: parameters, operations, memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from occreid.export import Describe
from occreid.methods import Method


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one model and batch size.

    Attributes:
        parameters: all it holds, classifiers of the training included.
        flops: operations for one image; a multiply-add counts as two. None for an exported model.
        memory: bytes of tensors alive at once at the peak, weights and images included; on a GPU what its allocator
            counts. None for an exported model on a CPU.
    """

    parameters: int
    flops: int | None
    memory: int | None


def costs(model: Method, images: Tensor, *, call: Callable[[], object] | None = None) -> Costs:
    """Count a model's costs.

    Args:
        model: in eval mode, on the device of the images.
        images: (B, 3, H, W) uint8; FLOPs are those of one of them.
        call: what is timed on a GPU (see `occreid.bench.prepare`), for its memory; left out, plain describing.
    """
    parameters = sum(p.numel() for p in model.parameters())
    if parameters == 0:  # an exported model: its weights are not PyTorch's
        return Costs(getattr(model, "parameters_in_file", 0), None, None)
    network = Describe(model).eval()
    with torch.inference_mode():
        flops = count_flops(network, images[:1])
        once = call or (lambda: network(images))
        if images.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(images.device)
            once()
            memory = torch.cuda.max_memory_allocated(images.device)
        else:
            memory = peak_bytes(network, images)
    return Costs(parameters, flops, memory)


def count_flops(network: torch.nn.Module, images: Tensor) -> int:
    """Operations of convolutions, matrix products and attention; a multiply-add counts as two."""
    with FlopCounterMode(display=False) as counter:
        network(images)
    return counter.get_total_flops()


def peak_bytes(network: torch.nn.Module, images: Tensor) -> int:
    """Bytes of the tensors alive at once at the peak of one forward pass: weights, buffers, images, activations."""
    watch = _Alive()
    for tensor in (*network.parameters(), *network.buffers(), images):
        watch.add(tensor)
    with watch:
        network(images)
    return watch.peak


class _Alive(TorchDispatchMode):
    """Adds up storages as operations make them, and subtracts them as they die."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.seen: set[int] = set()

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.seen:
            return
        self.seen.add(key)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return result
