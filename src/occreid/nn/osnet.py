"""OSNet: omni-scale features from four streams of light convolutions, weighed by one gate they share.

Sources: Zhou et al. 2019, "Omni-Scale Feature Learning for Person Re-Identification"; Zhou et al. 2021, "Learning
Generalisable Omni-Scale Representations" (OSNet-AIN: instance normalisation in chosen places). The modules' names are
those of the authors' checkpoints, so that these load as they are.

Letters: B images, C channels, H × W pixels, h × w positions.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

CHANNELS = {1.0: (64, 256, 384, 512), 0.75: (48, 192, 288, 384), 0.5: (32, 128, 192, 256), 0.25: (16, 64, 96, 128)}
"""Width → channels of the stem and of the three stages."""
STREAMS = 4
_AIN = ((True, True), (False, True), (True, False))  # which blocks of each stage carry an instance norm (x1.0)


class OSNet(nn.Module):
    """A picture's feature, as the authors test it: after the last linear layer, its norm and its ReLU.

    Args:
        width: one of `CHANNELS`.
        variant: ``"plain"``, or ``"ain"`` with instance normalisation.
        features: D.
    """

    def __init__(self, width: float = 1.0, variant: Literal["plain", "ain"] = "plain", features: int = 512) -> None:
        super().__init__()
        stem, *stages = CHANNELS[width]
        ain = variant == "ain"
        self.conv1 = _Conv(3, stem, 7, stride=2, instance=ain)
        before = stem
        for number, (channels, instance) in enumerate(zip(stages, _AIN, strict=True), start=2):
            blocks = [
                _Block(before, channels, ain, ain and instance[0]),
                _Block(channels, channels, ain, ain and instance[1]),
            ]
            shrink = [_Conv(channels, channels, 1), nn.AvgPool2d(2, 2)] if number < 4 else []
            if ain:
                self.add_module(f"conv{number}", nn.Sequential(*blocks))
                if shrink:
                    self.add_module(f"pool{number}", nn.Sequential(*shrink))
            else:
                more = [nn.Sequential(*shrink)] if shrink else []
                self.add_module(f"conv{number}", nn.Sequential(*blocks, *more))
            before = channels
        self.conv5 = _Conv(before, before, 1)
        self.fc = nn.Sequential(nn.Linear(before, features), nn.BatchNorm1d(features), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised → (B, D)."""
        x = torch.max_pool2d(self.conv1(images), 3, 2, 1)
        for name in ("conv2", "pool2", "conv3", "pool3", "conv4", "conv5"):
            if name in self._modules:
                x = self.get_submodule(name)(x)
        return self.fc(x.mean((2, 3)))


class _Conv(nn.Module):
    """Convolution, norm and, where asked for, ReLU."""

    def __init__(
        self,
        before: int,
        after: int,
        size: int,
        *,
        stride: int = 1,
        instance: bool = False,
        norm: bool = True,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
        self.bn = (nn.InstanceNorm2d(after, affine=True) if instance else nn.BatchNorm2d(after)) if norm else None
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = x if self.bn is None else self.bn(x)
        return relu(x) if self.act else x


class _Light(nn.Module):
    """Lite 3×3: a pointwise, then a depthwise convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv2(self.conv1(x))))


class _Stream(nn.Module):
    """t light convolutions, one after the other; of AIN's names."""

    def __init__(self, channels: int, times: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_Light(channels) for _ in range(times)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class _Gate(nn.Module):
    """A weight for each channel, from the channel means; one gate serves all streams."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class _Block(nn.Module):
    """A bottleneck whose middle sees four scales at once."""

    def __init__(self, before: int, after: int, ain: bool, instance: bool) -> None:
        super().__init__()
        middle = after // 4
        self.conv1 = _Conv(before, middle, 1)
        if ain:
            self.conv2 = nn.ModuleList(_Stream(middle, t) for t in range(1, STREAMS + 1))
        else:
            self.conv2a = _Light(middle)
            for name, times in (("b", 2), ("c", 3), ("d", 4)):
                self.add_module(f"conv2{name}", nn.Sequential(*(_Light(middle) for _ in range(times))))
        self.gate = _Gate(middle)
        self.conv3 = _Conv(middle, after, 1, norm=not instance, act=False)
        self.downsample = _Conv(before, after, 1, act=False) if before != after else None
        self.IN = nn.InstanceNorm2d(after, affine=True) if instance else None

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.conv1(x)
        names = ("conv2a", "conv2b", "conv2c", "conv2d")
        streams = self.conv2 if "conv2" in self._modules else [self.get_submodule(name) for name in names]
        scales = [stream(narrow) for stream in streams]
        wide = self.conv3(torch.stack([self.gate(scale) for scale in scales]).sum(0))
        wide = wide if self.IN is None else self.IN(wide)
        return relu(wide + (x if self.downsample is None else self.downsample(x)))
