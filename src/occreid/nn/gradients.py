"""How hard a loss pulls at a feature: a figure for the log that tells a loss at work from a saturated one."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_size(loss: Tensor, features: Tensor) -> Tensor:
    """Frobenius norm of d loss / d features, a 0-d float32 tensor; what stands before the features is not walked.

    Args:
        loss: scalar; its graph is kept.
        features: of any shape, part of the graph.

    Returns:
        0 where the loss does not depend on the features.
    """
    if not loss.requires_grad:
        return torch.zeros((), device=features.device)
    (gradient,) = torch.autograd.grad(loss, features, retain_graph=True, allow_unused=True)
    return torch.zeros((), device=features.device) if gradient is None else gradient.float().norm()
