"""`LossTape`: the losses of an epoch, read without making the device wait, and the guard against NaN.

Asking a GPU for a number stops the queue of work behind it. So on a GPU the losses are copied aside while
the step runs and looked at one step later; on a CPU they are looked at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


class NotFiniteLoss(Exception):
    """A loss was NaN or infinite.

    Attributes:
        step: the batch's number within the epoch.
        losses: the values by name.
        indices: the batch's records.
    """

    def __init__(self, step: int, losses: dict[str, float], indices: list[int]) -> None:
        super().__init__(f"step {step}: {losses}")
        self.step, self.losses, self.indices = step, losses, indices


@dataclass(slots=True)
class _Entry:
    step: int
    names: tuple[str, ...]
    losses: int  # the first of the names; the others are watched
    values: Tensor  # (L,) on the CPU, complete once `ready` has happened
    indices: Tensor
    ready: torch.cuda.Event | None


class LossTape:
    """Collects the named losses of each step of an epoch, and what else a network lets be watched."""

    def __init__(self) -> None:
        self._pending: _Entry | None = None
        self._sums: dict[str, float] = {}
        self._watched: dict[str, float] = {}
        self._steps = 0
        self.watched: dict[str, float] = {}
        """Mean of each watched figure over the steps that `means` was last asked for."""
        self.latest = math.nan
        """Sum of the losses last looked at, for the progress bar."""

    def add(
        self, step: int, losses: Mapping[str, Tensor], indices: Tensor, watched: Mapping[str, Tensor] | None = None
    ) -> None:
        """Take a step's losses, and figures that are none.

        Raises:
            NotFiniteLoss: one of them, or on a GPU of the step before, is NaN or infinite.
        """
        self._look()
        named = {**losses, **(watched or {})}
        values = torch.stack([value.detach().float() for value in named.values()])
        ready = None
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            ready = torch.cuda.Event()
            ready.record()
        self._pending = _Entry(step, tuple(named), len(losses), values, indices, ready)
        if ready is None:
            self._look()

    def means(self) -> dict[str, float]:
        """Mean of each loss over the steps since the last call, and start again.

        Raises:
            NotFiniteLoss: see `add`.
        """
        self._look()
        steps = max(self._steps, 1)
        means = {name: total / steps for name, total in self._sums.items()}
        self.watched = {name: total / steps for name, total in self._watched.items()}
        self._sums, self._watched, self._steps = {}, {}, 0
        return means

    def _look(self) -> None:
        entry, self._pending = self._pending, None
        if entry is None:
            return
        if entry.ready is not None:
            entry.ready.synchronize()
        both = [*zip(entry.names, entry.values.tolist(), strict=True)]
        values, watched = dict(both[: entry.losses]), dict(both[entry.losses :])
        if not all(math.isfinite(value) for value in values.values()):
            raise NotFiniteLoss(entry.step, values, entry.indices.tolist())
        for sums, found in ((self._sums, values), (self._watched, watched)):
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + value
        self._steps += 1
        self.latest = sum(values.values())
