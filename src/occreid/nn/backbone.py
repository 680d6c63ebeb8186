"""Backbones come from timm; this file builds them with their weights, as Trunks or as transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from occreid.errors import UserError, did_you_mean
from occreid.nn import efficientnet_lite
from occreid.nn.instance_norm import Ibn, use_ibn
from occreid.nn.trunk import Trunk


def create_trunk(
    name: str, pretrained: str = "imagenet", last_stride: int | None = None, *, ibn: Ibn = "none", **options: Any
) -> Trunk:
    """A convolutional timm network as stem and four stages.

    Args:
        name: timm model name, e.g. ``"resnet50"``, ``"tf_efficientnet_lite0"``, ``"convnext_atto"``.
        pretrained: as `create_backbone`.
        last_stride: stride of stage 4, 1 or 2; None leaves it. Stride 1 doubles the height and width of the last
            map (Luo et al. 2019, Section 3.5).
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`; the trunk's
            ``notes`` say what of the weights does not fit.
        options: passed to ``timm.create_model``.

    Raises:
        UserError: a network without four stages, or what `create_backbone` raises.
    """
    network = create_backbone(name, pretrained, global_pool="", **options)
    notes = use_ibn(network, ibn)
    trunk = Trunk(network, last_stride)
    trunk.notes = tuple(notes)
    return trunk


def create_backbone(name: str, pretrained: str = "imagenet", **options: Any) -> nn.Module:
    """A timm network without its classifier.

    Args:
        name: timm model name, e.g. ``"resnet50"``.
        pretrained: ``"imagenet"`` takes timm's weights from its cache, an installed weights package or a download,
            ``"none"`` is a random start, anything else is the path of a local weights file (.safetensors, or .pth
            read with ``weights_only=True``), or of the run folder of a trained model, whose backbone is taken.
        options: passed to ``timm.create_model``.

    Raises:
        UserError: unknown name, missing or unfitting file, or no way to the ImageNet weights.
    """
    if (name, pretrained, options) == (efficientnet_lite.NAME, "none", {"global_pool": ""}):
        return efficientnet_lite.EfficientNetLite0()  # timm's, without the seconds that importing timm takes
    import timm

    from occreid.nn.pretrained import from_file, imagenet

    if not timm.is_model(name):
        near = did_you_mean(name, timm.list_models(f"*{name[:3]}*") or timm.list_models("resnet*"))
        raise UserError(
            f"timm has no backbone '{name}'.", near if near.startswith("Did") else "See timm.list_models()."
        )
    if pretrained == "none":
        return timm.create_model(name, pretrained=False, num_classes=0, **options)
    if pretrained == "imagenet":
        return imagenet(name, options)
    return from_file(name, Path(pretrained), options)
