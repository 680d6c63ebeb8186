"""Timing several calls side by side.

All candidates take turns in every round, so that a busy machine slows all of them alike: the ratio of two is the
median of the rounds' ratios, which survives what the times themselves do not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Speed:
    """What the rounds said of one candidate.

    Attributes:
        rate: images a second, the median of the rounds.
        low, high: quartiles of the rounds.
        ratio: of its rate to the reference's, the median of the rounds' ratios; 1 for the reference.
        rounds: seconds of one call, in each round.
    """

    rate: float
    low: float
    high: float
    ratio: float
    rounds: tuple[float, ...]


def interleave(
    calls: Mapping[str, Call],
    images: int,
    *,
    against: str | None = None,
    device: torch.device | str = "cpu",
    rounds: int = 10,
    warmup: int = 2,
    shortest: float = 0.2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Speed]:
    """Time candidates in turns.

    Args:
        calls: candidate → what describes ``images`` images once.
        images: in one call.
        against: the candidate the ratios are to; left out, the first.
        device: is waited for before the clock is read.
        rounds: times every candidate has its turn, at least 1.
        warmup: calls of each before anything is timed (compiling and choosing kernels happen there).
        shortest: seconds a turn lasts at least: short calls are repeated.
        clock: seconds; ``time.process_time`` on a CPU that others use.

    >>> done = interleave({"a": lambda: None}, 1, rounds=1, shortest=0)
    >>> done["a"].ratio
    1.0
    """
    repeats = {}
    for name, call in calls.items():
        for _ in range(warmup):
            call()
        once = _timed(call, 1, device, clock)
        repeats[name] = max(1, round(shortest / once)) if once > 0 else 1
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        order = list(calls)
        for name in order if turn % 2 == 0 else reversed(order):  # nobody always follows the same one
            taken[name].append(_timed(calls[name], repeats[name], device, clock) / repeats[name])
    reference = taken[against or next(iter(calls))]
    return {name: _speed(seconds, reference, images) for name, seconds in taken.items()}


def synchronize(device: torch.device | str) -> None:
    """Wait for what a device has been given to do."""
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.synchronize(device)
    elif kind == "mps":
        torch.mps.synchronize()


def _timed(call: Call, repeats: int, device: torch.device | str, clock: Callable[[], float]) -> float:
    synchronize(device)
    start = clock()
    for _ in range(repeats):
        call()
    synchronize(device)
    return max(clock() - start, 1e-9)


def _speed(seconds: list[float], reference: list[float], images: int) -> Speed:
    rates = sorted(images / s for s in seconds)
    low, high = (rates[0], rates[0]) if len(rates) == 1 else statistics.quantiles(rates, n=4, method="inclusive")[::2]
    ratio = statistics.median(r / s for r, s in zip(reference, seconds, strict=True))
    return Speed(statistics.median(rates), low, high, ratio, tuple(seconds))
