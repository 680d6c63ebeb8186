"""The exponential moving average of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """Averages of all floating-point tensors of a state dict; others (counters) are copied.

    The first steps use the smaller decay (1 + n)/(w + n), so that a random start is forgotten soon.

    Args:
        module: the model; its state now is the first average.
        decay: in (0, 1), e.g. 0.999.
        warmup: w; the larger, the slower the decay rises. 0: it is the asked one from the first step on.
    """

    def __init__(self, module: nn.Module, decay: float, warmup: int = 10) -> None:
        self.decay, self.warmup = decay, warmup
        self.tensors = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the model after optimiser step ``step`` (0 the first)."""
        decay = min(self.decay, (1 + step) / (self.warmup + step)) if self.warmup else self.decay
        averages: list[Tensor] = []
        current: list[Tensor] = []
        for name, tensor in module.state_dict().items():
            average = self.tensors[name]
            if average.device != tensor.device:
                average = self.tensors[name] = average.to(tensor.device)
            if tensor.is_floating_point():
                averages.append(average)
                current.append(tensor.detach())
            else:
                average.copy_(tensor)
        get_ema_multi_avg_fn(decay)(averages, current, 0)  # type: ignore[arg-type]  # all tensors in one launch

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on with saved averages.

        Raises:
            KeyError: a tensor is missing.
        """
        for name, average in self.tensors.items():
            average.copy_(tensors[name])

    def copy_to(self, module: nn.Module) -> None:
        """Make the averages the model's weights."""
        module.load_state_dict(self.tensors)

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Within the block the model holds the averages; afterwards its own weights again, bit for bit."""
        own = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
        self.copy_to(module)
        try:
            yield
        finally:
            module.load_state_dict(own)
