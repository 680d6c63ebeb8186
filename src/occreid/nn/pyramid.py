"""A feature pyramid: all stages of a backbone brought together on its finest grid.

Source: Lin et al. 2017, "Feature Pyramid Networks for Object Detection", in the small form used for segmentation.
Letters: B images, D channels.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import interpolate


class FeaturePyramid(nn.Module):
    """Top-down sum of 1×1-projected stages, smoothed by a 3×3 convolution, on the finest stage's grid.

    Args:
        dims: channels of the stages, finest first.
        channels: D of the result.
    """

    def __init__(self, dims: Sequence[int], channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(dim, channels, 1, bias=False) for dim in dims)
        self.smooth = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Maps (B, dims[i], h_i, w_i), finest first → (B, D, h_0, w_0)."""
        projected = [lateral(stage) for lateral, stage in zip(self.lateral, stages, strict=True)]
        total = projected[-1]
        for finer in projected[-2::-1]:
            total = finer + interpolate(total, finer.shape[2:], mode="bilinear", align_corners=False)
        return self.smooth(total)
