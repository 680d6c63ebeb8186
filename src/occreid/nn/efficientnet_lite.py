"""EfficientNet-Lite0 in plain torch, tensor for tensor timm's ``tf_efficientnet_lite0``.

The model that comes with the package is built on it, and importing timm (and through it torchvision and torch's
compiler) takes longer than everything else a search does. Names of tensors, the width of the random start and
outputs are timm's; its ImageNet weights still come through timm.

Source: the published table of EfficientNet-Lite (Apache-2.0); Tan and Le 2019, "EfficientNet", Table 1 and Section 4.
Letters: B images, C channels, h × w positions.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pad, relu6

NAME = "tf_efficientnet_lite0"
"""What timm calls it."""
_STEM, _HEAD = 32, 1280
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
_LAST = (1, 3, 1, 6, 320)
"""Blocks, kernel, stride of the first, expansion and channels of each group, here and in `_STAGES`."""
_EPS = 1e-3


class SameConv2d(nn.Conv2d):
    """A convolution whose map is ⌈h / stride⌉ × ⌈w / stride⌉, padded by zeros, the odd one right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', ⌈h / stride⌉, ⌈w / stride⌉)."""
        rows, columns = (
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        )
        x = pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return super().forward(x)


class NormRelu6(nn.BatchNorm2d):
    """Batch normalisation and ReLU6 as one layer, (B, C, h, w) → the same."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalised and cut to [0, 6]."""
        return relu6(super().forward(x), inplace=True)


class Separable(nn.Module):
    """The first block: a convolution of each channel, then one across them."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = _conv(channels, channels, kernel, groups=channels)
        self.bn1 = NormRelu6(channels, _EPS)
        self.conv_pw = _conv(channels, out, 1)
        self.bn2 = nn.BatchNorm2d(out, _EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h, w)."""
        return self.bn2(self.conv_pw(self.bn1(self.conv_dw(x))))


class InvertedResidual(nn.Module):
    """Wider, a convolution of each channel, narrower again; the input is added where it has the same size."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.conv_pw = _conv(channels, wide, 1)
        self.bn1 = NormRelu6(wide, _EPS)
        self.conv_dw = _conv(wide, wide, kernel, stride, groups=wide)
        self.bn2 = NormRelu6(wide, _EPS)
        self.conv_pwl = _conv(wide, out, 1)
        self.bn3 = nn.BatchNorm2d(out, _EPS)
        self.adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', ⌈h / stride⌉, ⌈w / stride⌉)."""
        new = self.bn3(self.conv_pwl(self.bn2(self.conv_dw(self.bn1(self.conv_pw(x))))))
        return new + x if self.adds else new


class EfficientNetLite0(nn.Module):
    """The network up to its last map of 1,280 channels, at a random start.

    Attributes:
        feature_info: the groups after which the map is half as large, as timm writes it.
        pretrained_cfg: what its ImageNet weights expect of pixels, as timm writes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pretrained_cfg: dict[str, Any] = {"architecture": NAME, "mean": (0.5,) * 3, "std": (0.5,) * 3}
        self.conv_stem = _conv(3, _STEM, 3, 2)
        self.bn1 = NormRelu6(_STEM, _EPS)
        self.feature_info: list[dict[str, int]] = []
        groups, channels, reduction = [], _STEM, 2
        for number, (count, kernel, stride, expansion, out) in enumerate((*_STAGES, _LAST), 1):
            blocks: list[nn.Module] = []
            for index in range(count):
                step = stride if index == 0 else 1
                narrow = expansion == 1
                blocks.append(
                    Separable(channels, out, kernel)
                    if narrow
                    else InvertedResidual(channels, out, kernel, step, expansion)
                )
                channels = out
            groups.append(nn.Sequential(*blocks))
            reduction *= stride
            here = {"stage": number, "reduction": reduction, "num_chs": out}
            if self.feature_info and self.feature_info[-1]["reduction"] == reduction:
                self.feature_info[-1] = here
            else:
                self.feature_info.append(here)
        self.blocks = nn.Sequential(*groups)
        self.conv_head = _conv(channels, _HEAD, 1)
        self.bn2 = NormRelu6(_HEAD, _EPS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
                nn.init.normal_(module.weight, 0, math.sqrt(2.0 / fan_out))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 1280, ⌈H / 32⌉, ⌈W / 32⌉)."""
        return self.bn2(self.conv_head(self.blocks(self.bn1(self.conv_stem(images)))))


def _conv(channels: int, out: int, kernel: int, stride: int = 1, *, groups: int = 1) -> nn.Conv2d:
    """Without bias, and padded as the one who trained it did: evenly where that is always right."""
    if stride == 1:
        return nn.Conv2d(channels, out, kernel, padding=kernel // 2, groups=groups, bias=False)
    return SameConv2d(channels, out, kernel, stride, groups=groups, bias=False)
