"""A module for a moment in eval mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from occreid.nn.denormals import flushing_denormals


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Within the block the module is in eval mode; afterwards each of its parts is in the mode it was in.

    Denormal numbers count as 0 there (`flushing_denormals`): a network whose weights decayed to them describes at less
    than half its speed otherwise.

    Args:
        module: may have parts in different modes, such as a frozen backbone.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with flushing_denormals():
            yield
    finally:
        for part, training in modes:
            part.training = training
