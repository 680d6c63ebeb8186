"""Which networks of timm fit which method, what they cost, and whether their weights are at hand.

Networks are built on PyTorch's meta device: without memory, weights or arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from occreid.errors import UserError
from occreid.models import list_methods
from occreid.models.registry import method_options
from occreid.nn import Trunk
from occreid.nn.packaged import PACKAGES
from occreid.nn.pretrained import weights_at_hand
from occreid.nn.token_attention import is_plain
from occreid.nn.trunk_layout import has_layout

_TRANSFORMERS = ("vision_transformer", "deit")
MANY = 100
"""More networks than that are no answer to a question."""
USUAL = (
    *("resnet18", "resnet50.tv_in1k", "resnest50d", "convnext_atto", "mobilenetv3_small_100"),
    *("deit_small_distilled_patch16_224", "vit_base_patch16_224"),
)
"""Listed, beside networks of installed packages, when no pattern is given."""
_SHAPES = (RuntimeError, AssertionError, ValueError, TypeError)
"""What timm's networks raise at a size they cannot take."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network as a backbone.

    Attributes:
        name: timm's.
        methods: which methods it fits; empty for none.
        parameters: without classifier.
        flops: for one image of the asked size; a multiply-add counts as two.
        features: channels of its last map, or of its class token.
        weights: ``cache``, ``package``, ``download`` or ``none``, see `weights_at_hand`.
    """

    name: str
    methods: tuple[str, ...]
    parameters: int
    flops: int
    features: int
    weights: str


def list_networks(pattern: str | None, size: tuple[int, int] = (256, 128), last_stride: int = 1) -> list[Network]:
    """Networks whose names match a pattern, by name; those that no method can use are left out.

    Args:
        pattern: part of a name, or a pattern with ``*``; None: the usual ones and those of weights packages.
        size: height and width in pixels.
        last_stride: of stage 4.

    Raises:
        UserError: timm has no such network, too many, or none of them fits a method.
    """
    names = [*PACKAGES, *USUAL] if pattern is None else _matching(pattern)
    found = [network for name in names if (network := describe_network(name, size, last_stride)) is not None]
    if not found:
        raise UserError(
            f"none of the {len(names)} networks that match '{pattern}' fits a method at {size[0]}×{size[1]} pixels.",
            "Methods take ResNets, RegNets, EfficientNets, MobileNets and ConvNeXts, or ViTs with a class token.",
        )
    return found


def describe_network(name: str, size: tuple[int, int], last_stride: int = 1) -> Network | None:
    """One network of timm; None where no method can use it at this size."""
    transformer = timm.models.is_model_in_modules(name, _TRANSFORMERS)
    options: dict[str, Any] = {"img_size": size, "global_pool": "token"} if transformer else {}
    try:
        with torch.device("meta"), torch.no_grad():
            network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **options).eval()
            methods = _methods(network)
            if has_layout(network):
                network = Trunk(network, last_stride).eval()
            if not methods:
                return None
            with FlopCounterMode(display=False) as counter:
                network(torch.empty(1, 3, *size))
    except (*_SHAPES, UserError):
        return None
    return Network(
        name,
        methods,
        sum(p.numel() for p in network.parameters()),
        counter.get_total_flops(),
        int(network.num_features),  # type: ignore[arg-type]  # a number in both
        weights_at_hand(name),
    )


def _methods(network: nn.Module) -> tuple[str, ...]:
    """The methods whose own backbone is of a network's kind: with stages, or a ViT with a class token."""
    own = {name: method_options(name).get("backbone") for name in (*list_methods(), "parser")}
    if has_layout(network):
        kind = False
    elif isinstance(network, VisionTransformer) and network.has_class_token:
        kind = True
        if not is_plain(network):
            del own["sureid"]  # it calls the blocks part by part
    else:
        return ()
    return tuple(
        name
        for name, backbone in own.items()
        if isinstance(backbone, str) and timm.models.is_model_in_modules(backbone, _TRANSFORMERS) == kind
    )


def _matching(pattern: str) -> list[str]:
    wildcard = pattern if "*" in pattern else f"*{pattern}*"
    names = timm.list_models(wildcard) or timm.list_pretrained(wildcard)
    if "." in pattern and timm.is_model(pattern):
        names = [pattern]
    if not names:
        raise UserError(f"timm has no network that matches '{pattern}'.", "Try a part of a name, e.g. resnet18.")
    if len(names) > MANY:
        raise UserError(f"{len(names)} networks match '{pattern}'.", f"Say more of the name: at most {MANY} are shown.")
    return names
