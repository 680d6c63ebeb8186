"""The Trunk: any convolutional network of timm as a stem and four stages, under one set of names.

Letters: B images, H × W pixels, C channels of a stage, h × w positions of its map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from occreid.nn.modes import evaluating
from occreid.nn.trunk_layout import Layout, find_layout

STAGES = (1, 2, 3, 4)


class Trunk(nn.Module):
    """A stem and four stages of units, taken out of a timm network without copying anything.

    The network's own modules are held under their own names, so that weights keep theirs whatever the methods do
    with the stages, and a ResNet computes exactly what it computed in timm. What follows the last map (pooling,
    classifier, layers that work on the pooled vector) is left behind; a convolution on the last map (the
    ``conv_head`` of EfficientNets and MobileNetV2) is the last unit of stage 4.

    Args:
        network: of timm; it must not be used by itself afterwards.
        last_stride: stride of stage 4, 1 or 2; None leaves it as it is.

    Attributes:
        channels: C of the stages that are there.
        strides: pixels to a position, of the stages that are there: 4, 8, 16 and 16 or 32.
        notes: what somebody who trains it should know, a sentence each.
        pixel_mean: what the network's weights expect, from their timm configuration, like ``pixel_std``.

    Raises:
        UserError: the network has no four stages that can be found.
    """

    def __init__(self, network: nn.Module, last_stride: int | None = None) -> None:
        super().__init__()
        layout: Layout = find_layout(network)
        kept = {path.partition(".")[0] for path in chain(layout.stem, *layout.stages)}
        for name, child in network.named_children():
            if name in kept:
                self.add_module(name, child)
        self._stem, self._stages = layout.stem, layout.stages
        self._inserted: set[str] = set()
        self.notes: tuple[str, ...] = ()
        self.channels, self.strides = layout.channels, layout.strides
        self.pixel_mean, self.pixel_std = pixel_statistics(network)
        if last_stride is not None:
            self._set_last_stride(last_stride)

    @property
    def num_features(self) -> int:
        """C of the last stage."""
        return self.channels[-1]

    def stem_units(self) -> list[nn.Module]:
        """What comes before stage 1, in order."""
        return [self.get_submodule(path) for path in self._stem]

    def units(self, stage: int) -> list[nn.Module]:
        """The units of stage 1, 2, 3 or 4, in order."""
        return [self.get_submodule(path) for path in self._stages[stage - 1]]

    def first(self, stages: int) -> list[nn.Module]:
        """The layers of the stem and of so many stages that came with the network, not those of `insert`."""
        paths = chain(self._stem, *self._stages[:stages])
        return [self.get_submodule(path) for path in paths if path not in self._inserted]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised → (B, C, h, w), the map of the last stage that is there."""
        x = images
        for path in chain(self._stem, *self._stages):
            x = self.get_submodule(path)(x)
        return x

    def maps(self, images: Tensor, stages: Sequence[int] = STAGES) -> list[Tensor]:
        """The maps of these stages, (B, C, h, w) each, in the order of the network; later stages are not run."""
        x, found = images, []
        for path in self._stem:
            x = self.get_submodule(path)(x)
        for number, paths in enumerate(self._stages[: max(stages)], 1):
            for path in paths:
                x = self.get_submodule(path)(x)
            if number in stages:
                found.append(x)
        return found

    def insert(self, stage: int, count: int, make: Callable[[int], nn.Module]) -> list[nn.Module]:
        """Put a block behind each of the last ``count`` units of a stage, or behind all where it has fewer.

        Units keep their names, so weights saved without the blocks still fit; a block is ``block<unit>`` beside its
        unit. Blocks never follow the layers that only change the size of the map between two stages.

        Args:
            stage: 1, 2, 3 or 4.
            count: how many blocks, at least 0.
            make: channels → a block that keeps them.

        Returns:
            The blocks, in order.
        """
        blocks, longer = [], []
        paths = self._stages[stage - 1]
        channels = self._unit_channels(stage)
        able = [path for path in paths if not path.endswith("downsample")]
        for path in paths:
            longer.append(path)
            if path not in able[max(0, len(able) - count) :]:
                continue
            parent, _, name = path.rpartition(".")
            blocks.append(make(channels[path]))
            _add_behind(self.get_submodule(parent), name, f"block{name}", blocks[-1])
            longer.append(f"{parent}.block{name}".lstrip("."))
            self._inserted.add(longer[-1])
        self._stages = (*self._stages[: stage - 1], tuple(longer), *self._stages[stage:])
        return blocks

    def cut(self, stage: int) -> list[nn.Sequential]:
        """Take this stage and those behind it out of the trunk.

        Returns:
            The stages, each a sequence of its units.
        """
        taken = [nn.Sequential(*self.units(number)) for number in range(stage, len(self._stages) + 1)]
        for path in chain(*self._stages[stage - 1 :]):
            parent, _, name = path.rpartition(".")
            delattr(self.get_submodule(parent), name)
        self._stages, self.channels = self._stages[: stage - 1], self.channels[: stage - 1]
        self.strides = self.strides[: stage - 1]
        return taken

    def _unit_channels(self, stage: int) -> dict[str, int]:
        """C behind each unit of a stage: timm's EfficientNets change it within one. Found by a small picture."""
        first = next(module for module in self.modules() if isinstance(module, nn.Conv2d))
        channels = {}
        with evaluating(self), torch.no_grad():
            x = first.weight.new_zeros(1, first.in_channels, 64, 64)
            for path in chain(self._stem, *self._stages[:stage]):
                x = self.get_submodule(path)(x)
                channels[path] = x.shape[1]
        return channels

    def _set_last_stride(self, stride: int) -> None:
        for module in self.units(4)[0].modules():
            _set_stride(module, stride)
        first = self._stages[3][0]
        if stride == 1 and first.endswith("downsample"):  # ConvNeXt's 2 × 2 patches: kept as large as the map
            norm, patches = self.get_submodule(first).children()
            parent, _, name = first.rpartition(".")
            padded = nn.Sequential()
            for key, part in (("0", norm), ("pad", nn.ZeroPad2d((0, 1, 0, 1))), ("1", patches)):
                padded.add_module(key, part)
            setattr(self.get_submodule(parent), name, padded)
        self.strides = (*self.strides[:3], self.strides[2] * stride)


def pixel_statistics(network: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of pixels in [0, 1] that a timm network's weights expect, three numbers each."""
    config: Any = network.pretrained_cfg
    return tuple(map(float, config["mean"])), tuple(map(float, config["std"]))


def _set_stride(module: nn.Module, stride: int) -> None:
    """Give a layer of stride 2 this stride; what does not stride is left alone."""
    if getattr(module, "stride", None) not in (2, (2, 2)):
        return
    if isinstance(module, nn.AvgPool2d):
        if module.kernel_size in (2, (2, 2)):  # the shortcut of ResNet-D: a mean over what the stride skips
            module.kernel_size = stride
        module.stride = stride
    elif isinstance(module, nn.Conv2d):
        module.stride = (stride, stride)
    else:  # timm's blurring pools
        module.stride = stride  # type: ignore[assignment]  # a number, not a module


def _add_behind(parent: nn.Module, name: str, new: str, module: nn.Module) -> None:
    """Register a module right behind another one, so that the order of parameters is that of the computation."""
    held = list(parent.named_children())
    place = [key for key, _ in held].index(name) + 1
    for key, _ in held[place:]:
        delattr(parent, key)
    for key, child in [(new, module), *held[place:]]:
        parent.add_module(key, child)
