"""Body parts on a feature map: parsing heads, their targets, and pooling inside a mask (HPNet, Section 3.1).

Letters: B images, P parts, D channels, H × W pixels, h × w positions of the feature map.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d


class ParsingHead(nn.Sequential):
    """3×3 convolution, batch normalisation, ReLU, 1×1 convolution; the sigmoid is left to who reads the logits.

    Args:
        dim: channels D of the feature map.
        channels: channels between the two convolutions.
    """

    def __init__(self, dim: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(dim, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 1, 1),
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, D, h, w) → (B, h, w) logits."""
        return super().forward(input)[:, 0]


def masked_max_pool(features: Tensor, mask: Tensor) -> Tensor:
    """Largest value of each channel inside a mask; 0 where the mask is empty.

    For features ≥ 0, as a ResNet's are, this is the maximum of features × mask. Unlike that product it never lets
    the zeros outside win over negative values inside.

    Args:
        features: (B, D, h, w).
        mask: (B, h, w) bool.

    Returns:
        (B, D).

    >>> masked_max_pool(torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[True, False]]]))
    tensor([[1.]])
    """
    inside = features.masked_fill(~mask[:, None], -torch.inf).amax((2, 3))
    return inside.masked_fill(~mask.flatten(1).any(1)[:, None], 0)


def part_targets(masks: Tensor, parts: int, size: tuple[int, int], coverage: float) -> Tensor:
    """Part masks on the feature map's grid: a position shows a part that covers enough of its cell.

    Args:
        masks: (B, H, W) uint8, 0 = background, p + 1 = part p.
        parts: P.
        size: (h, w) of the grid.
        coverage: share of the cell in (0, 1] from which on a part counts; at 0.5 or less a cell may show several.

    Returns:
        (B, P, h, w) float32, 0 or 1.
    """
    numbers = torch.arange(1, parts + 1, device=masks.device, dtype=masks.dtype)
    one_hot = masks[:, None] == numbers[:, None, None]  # (B, P, H, W)
    return (adaptive_avg_pool2d(one_hot.float(), size) >= coverage).float()
