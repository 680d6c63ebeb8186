"""Where timm's networks keep their stem and their four stages.

A unit is what a stage repeats: a bottleneck, an inverted residual, a ConvNeXt block. Everything is a dotted path
inside the network.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from torch import nn

from occreid.errors import UserError
from occreid.nn.efficientnet_lite import EfficientNetLite0

Paths = tuple[str, ...]
_REDUCTIONS = [4, 8, 16, 32]


@dataclass(frozen=True, slots=True)
class Layout:
    """Dotted paths of the layers of a network, in the order in which they are computed.

    Attributes:
        stem: before stage 1.
        stages: the units of four stages.
        channels: of the stages' maps.
        strides: pixels to a position of the stages' maps.
    """

    stem: Paths
    stages: tuple[Paths, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]


def has_layout(network: nn.Module) -> bool:
    """Whether `find_layout` knows a network's kind."""
    return _family(network) is not None


def find_layout(network: nn.Module) -> Layout:
    """The layout of a timm network.

    Raises:
        UserError: it is of another kind, or its stages do not halve the map one after the other.
    """
    family = _family(network)
    if family is None:
        raise UserError(
            f"'{_name(network)}' has no stem and four stages that can be found.",
            "Choose a ResNet, RegNet, EfficientNet, MobileNet or ConvNeXt; 'occreid backbones' lists them.",
        )
    info: list[dict[str, Any]] = list(network.feature_info)  # type: ignore[arg-type]  # timm's own
    if [entry["reduction"] for entry in info[-4:]] != _REDUCTIONS:
        raise UserError(
            f"the stages of '{_name(network)}' do not have the strides 4, 8, 16 and 32.",
            "Choose another network; 'occreid backbones' lists those that fit.",
        )
    channels = [int(entry["num_chs"]) for entry in info[-4:]]
    if family in ("efficientnet", "mobilenetv3"):
        stem, stages = _blocks(network, [int(entry["stage"]) for entry in info])
        if family == "efficientnet":
            stages[3] += (*_real(network, "conv_head"), *_real(network, "bn2"))
            head = network.get_submodule("conv_head")
            channels[-1] = head.out_channels if isinstance(head, nn.Conv2d) else channels[-1]
    elif family == "convnext":
        stem, stages = ("stem",), [_convnext_units(network, index) for index in range(4)]
        stages[3] += _real(network, "norm_pre")
    elif family == "regnet":
        stem, stages = ("stem",), [_children(network, f"s{index}") for index in range(1, 5)]
        stages[3] += _real(network, "final_conv")
    else:
        names = [name for name, _ in network.named_children()]
        stem = tuple(names[: names.index("layer1")])
        stages = [_children(network, f"layer{index}") for index in range(1, 5)]
    return Layout(stem, tuple(stages), tuple(channels), tuple(_REDUCTIONS))


def _family(network: nn.Module) -> str | None:
    """Which of the kinds whose stages are known; None for another."""
    if isinstance(network, EfficientNetLite0):
        return "efficientnet"
    from timm.models.convnext import ConvNeXt  # seconds that the model of the package need not wait
    from timm.models.efficientnet import EfficientNet
    from timm.models.mobilenetv3 import MobileNetV3
    from timm.models.regnet import RegNet
    from timm.models.resnet import ResNet

    kinds = {
        "efficientnet": EfficientNet,
        "mobilenetv3": MobileNetV3,
        "convnext": ConvNeXt,
        "regnet": RegNet,
        "resnet": ResNet,
    }
    return next((name for name, kind in kinds.items() if isinstance(network, kind)), None)


def _blocks(network: nn.Module, ends: list[int]) -> tuple[Paths, list[Paths]]:
    """EfficientNets: several groups of ``blocks`` make a stage; ``ends`` counts the groups up to each reduction.

    MobileNetV3 and V4 apply their ``conv_head`` to the pooled vector: it is no part of a map and is left out.
    """
    groups = [_children(network, path) for path in _children(network, "blocks")]
    bounds = ends[-5:] if len(ends) > 4 else [0, *ends]
    stem = ("conv_stem", "bn1", *(path for group in groups[: bounds[0]] for path in group))
    stages = [tuple(path for group in groups[start:end] for path in group) for start, end in itertools.pairwise(bounds)]
    return stem, stages


def _convnext_units(network: nn.Module, index: int) -> Paths:
    stage = f"stages.{index}"
    return (*_real(network, f"{stage}.downsample"), *_children(network, f"{stage}.blocks"))


def _children(network: nn.Module, path: str) -> Paths:
    return tuple(f"{path}.{name}" for name, _ in network.get_submodule(path).named_children())


def _real(network: nn.Module, path: str) -> Paths:
    """The path, or nothing where timm put a placeholder."""
    return () if isinstance(network.get_submodule(path), nn.Identity) else (path,)


def _name(network: nn.Module) -> str:
    config: Any = getattr(network, "pretrained_cfg", None) or {}
    return config.get("architecture") or type(network).__name__
