"""ResNet-50 as torchreid and fast-reid build it, for their checkpoints.

It differs from this package's Trunk in two places that fast-reid's weights were trained with: the stem's pooling has no
padding and rounds up, and the feature is what leaves the neck's norm.

Letters: B images, H × W pixels, D = 2048 dimensions.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from occreid.nn.pooling import GeM

WIDTH = 2048


class PlainResNet50(nn.Module):
    """A picture's feature.

    Args:
        last_stride: of the last stage.
        stem: ``"padded"`` as in torchvision and torchreid, or ``"ceil"`` as in fast-reid.
        pooling: of the last feature map.
        neck: whether a batch norm follows, whose output is the feature.
    """

    def __init__(
        self,
        last_stride: Literal[1, 2] = 2,
        stem: Literal["padded", "ceil"] = "padded",
        pooling: Literal["avg", "gem"] = "avg",
        neck: bool = False,
    ) -> None:
        super().__init__()
        from torchvision.models import resnet50  # a second that other checkpoints need not wait

        network: Any = resnet50(weights=None)
        network.fc = network.avgpool = nn.Identity()  # no classes; pooled below
        if stem == "ceil":
            network.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True)
        if last_stride == 1:
            first = network.layer4[0]
            first.conv2.stride = first.downsample[0].stride = (1, 1)
        self.backbone = network
        self.pool = GeM() if pooling == "gem" else None
        self.neck = nn.BatchNorm1d(WIDTH) if neck else None

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised → (B, D)."""
        b = self.backbone
        x = b.maxpool(torch.relu(b.bn1(b.conv1(images))))
        x = b.layer4(b.layer3(b.layer2(b.layer1(x))))
        feature = x.mean((2, 3)) if self.pool is None else self.pool(x)
        return feature if self.neck is None else self.neck(feature)
