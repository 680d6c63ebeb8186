"""What a network computes in, memory format and precision, and which of several ways is the fastest here.

Machines differ: bf16 is four times as fast as float32 where the processor multiplies it in hardware and slower where
it does not; channels last helps some networks and hurts others. So this is measured, not looked up.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from occreid.errors import UserError

MemoryFormat = Literal["contiguous", "channels_last"]
Precision = Literal["float32", "bfloat16", "float16"]
"""What the network computes in; losses, distances and descriptors are float32 in any case."""

MEMORY_FORMATS: dict[str, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}
NARROW = 4
"""A map with a shorter side than this must not reach a strided convolution in bfloat16 on a CPU: oneDNN's for AMX then
reads memory that nobody wrote, and now and then the result is NaN (seen at a side of 2, never at 4)."""
_ROUNDS = 5
_CLEARLY = 0.95  # a way must take at most this share of the time of a simpler one to be chosen over it
_HOPELESS = 1.5  # times the fastest: not timed again


class Computing(NamedTuple):
    """One way to compute; the words are torch's."""

    memory_format: MemoryFormat
    precision: Precision


PLAIN = Computing("contiguous", "float32")
"""The way that is the same on every machine."""


def ways(device: torch.device, formats: Sequence[MemoryFormat], precisions: Sequence[Precision]) -> list[Computing]:
    """Formats × those precisions that the device computes at all and that keep a network's range, simplest first."""
    usable: list[Precision] = [p for p in precisions if p == "float32" or _suits(p, device)]
    return [Computing(memory_format, precision) for precision in usable for memory_format in formats]


def without_bfloat16(candidates: Sequence[Computing], side: int) -> list[Computing]:
    """The candidates, without bfloat16 where a CPU's strided convolutions would see maps of so short a side."""
    return [way for way in candidates if side >= NARROW or way.precision != "bfloat16"]


def shortest_strided_side(network: nn.Module, run: Callable[[], object]) -> int:
    """Shortest side of the maps that strided convolutions of a network see while something runs; huge without any."""
    sides = [2**31]

    def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        sides.append(min(inputs[0].shape[-2:]))

    strided = [m for m in network.modules() if isinstance(m, nn.Conv2d) and max(m.stride) > 1]
    hooks = [module.register_forward_pre_hook(look) for module in strided]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return min(sides)


def memory_format_of(network: nn.Module) -> MemoryFormat:
    """The format that the weights of a network's convolutions are in."""
    for weight in network.parameters():
        if weight.ndim == 4 and not weight.is_contiguous():
            return "channels_last"
    return "contiguous"


def check_precision(precision: str, device: torch.device, key: str) -> None:
    """Refuse what the device cannot do.

    Args:
        precision: torch's word.
        device: where.
        key: what the user set, e.g. ``"training.precision bf16"``.

    Raises:
        UserError: half precision on a CPU, bfloat16 on a GPU made before 2020.
    """
    if precision == "float16" and device.type == "cpu":
        raise UserError(f"{key} does not work on a CPU.", "Set it to float32, or to bf16.")
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        name = torch.cuda.get_device_name(device)
        raise UserError(f"{key} is more than this {name} can do: it has no bfloat16.", "Set it to fp16, or to float32.")


def check_compiler(device: torch.device, key: str) -> None:
    """Refuse `torch.compile` where nothing can compile what it writes.

    Args:
        device: where the compiled code runs.
        key: what the user set, e.g. ``"training.compile"``.

    Raises:
        UserError: no C++ compiler for a CPU, no Triton for a GPU.
    """
    if device.type == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "g++", "clang++"))):
        raise UserError(f"{key} needs a C++ compiler, and there is none.", "Install g++, or switch it off.")
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise UserError(
            f"{key} needs Triton on a GPU, and it is not installed.", "pip install triton, or switch it off."
        )


def fastest(
    candidates: Sequence[Computing],
    prepare: Callable[[Computing], Callable[[], object]],
    device: torch.device,
    *,
    seconds: float = 2.0,
) -> tuple[Computing, dict[Computing, float]]:
    """Time each candidate in turn, round after round, and choose the one whose quickest step is the quickest.

    A later candidate wins over an earlier one only where it is clearly faster, by 5 %: put the simplest first.

    Args:
        candidates: one or more.
        prepare: candidate → what does one step.
        device: waited for at the ends of a step.
        seconds: what the rounds may take, without the step of each that warms it up. One round is made in any case.

    Returns:
        The choice, and the seconds of each candidate's quickest step.
    """
    steps = {candidate: prepare(candidate) for candidate in candidates}
    if len(candidates) == 1:
        return candidates[0], {}
    for step in steps.values():
        _timed(step, device)
    best: dict[Computing, float] = {}
    end = time.perf_counter() + seconds
    for number in range(_ROUNDS):
        for candidate, step in steps.items():
            if number == 0 or best[candidate] < _HOPELESS * min(best.values()):
                best[candidate] = min(best.get(candidate, float("inf")), _timed(step, device))
        if time.perf_counter() > end:
            break
    chosen = candidates[0]
    for candidate in candidates[1:]:
        if best[candidate] < _CLEARLY * best[chosen]:
            chosen = candidate
    return chosen, best


def _timed(step: Callable[[], object], device: torch.device) -> float:
    _wait_for(device)
    start = time.perf_counter()
    step()
    _wait_for(device)
    return time.perf_counter() - start


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _suits(precision: Precision, device: torch.device) -> bool:
    if device.type == "cuda":  # float16 needs a loss scaler: only where there is no bfloat16
        return (precision == "bfloat16") == torch.cuda.is_bf16_supported(False)
    return device.type == "cpu" and precision == "bfloat16"
