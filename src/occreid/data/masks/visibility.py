"""How visible parts are after something hid pixels of their masks. Letters: B images, P parts, H × W pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def part_areas(masks: Tensor, parts: int) -> Tensor:
    """(B, H, W) part masks → (B, P) pixels of each part."""
    numbers = torch.arange(1, parts + 1, device=masks.device).view(1, -1, 1, 1)
    return (masks[:, None] == numbers).sum((2, 3))


def shrunk(visibility: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Visibility times the share of each part that is left; 0 where the mask never showed the part.

    Args:
        visibility: (…, P) in [0, 1].
        before: (…, P) area of each part's mask, in pixels or any other unit.
        after: (…, P) area that is left.
    """
    return visibility * (after / before.clamp_min(1e-12))
