"""Backbones come from timm; this file only chooses their weights and their last stride."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import timm
from safetensors import SafetensorError
from torch import nn

from occreid.errors import UNREADABLE, UserError, did_you_mean

TRUNK = "backbone."
"""What the tensors of a trained method's backbone are called."""


def create_backbone(name: str, pretrained: str = "imagenet", **options: Any) -> nn.Module:
    """A timm network without its classifier.

    Args:
        name: timm model name, e.g. ``"resnet50"``.
        pretrained: ``"imagenet"`` downloads timm's weights, ``"none"`` is a random start, anything else
            is the path of a local weights file (.safetensors, or .pth read with ``weights_only=True``), or of the
            run folder of a trained model, whose backbone is taken.
        options: passed to ``timm.create_model``.

    Raises:
        UserError: unknown name, missing or unfitting file, or no network for the download.
    """
    if not timm.is_model(name):
        near = did_you_mean(name, timm.list_models(f"*{name[:3]}*") or timm.list_models("resnet*"))
        raise UserError(
            f"timm has no backbone '{name}'.", near if near.startswith("Did") else "See timm.list_models()."
        )
    if pretrained == "none":
        return timm.create_model(name, pretrained=False, num_classes=0, **options)
    if pretrained == "imagenet":
        return _download(name, options)
    path = Path(pretrained)
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise UserError(
            f"pretrained: no weights file '{path}'.",
            "Give 'imagenet', 'none', an existing file, or the run folder of a trained model.",
        )
    return _from_file(name, path, options)


def _from_file(name: str, path: Path, options: dict[str, Any]) -> nn.Module:
    try:
        held = timm.models.load_state_dict(str(path))
        held = {k.removeprefix(TRUNK): v for k, v in held.items() if k.startswith(TRUNK)} or held
        model = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": held}, num_classes=0, **options
        )
    except (*UNREADABLE, OSError, SafetensorError) as error:
        problem = _first_line(error)
    else:  # timm loads what fits and only logs the rest; here every tensor must have come from the file
        own = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
        unmet = [k for k, v in own.items() if k not in held or (held[k].shape != v.shape and k != "pos_embed")]
        if not unmet:
            return model
        problem = f"{len(unmet)} of {len(own)} tensors are missing, e.g. '{unmet[0]}'"
    raise UserError(
        f"pretrained: '{path}' does not hold weights of '{name}' ({problem}).",
        "Give weights saved from that network, or choose the network they were saved from.",
    )


def _download(name: str, options: dict[str, Any]) -> nn.Module:
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise UserError(
            f"timm has no ImageNet weights for '{name}'.", "Set pretrained to 'none' or to a local weights file."
        )
    cached = try_to_load_from_cache(config.hf_hub_id, "model.safetensors") if config.hf_hub_id else None
    if isinstance(cached, str):  # a second run needs no network
        return _from_file(name, Path(cached), options)
    hint = "Set pretrained to the path of a local weights file, or to 'none' to train from scratch."
    host = urlsplit(constants.ENDPOINT).hostname or ""
    if not getproxies() and not _resolves(host):  # said at once, not after a minute of retries
        raise UserError(f"no network: the ImageNet weights of '{name}' cannot be downloaded from {host}.", hint)
    try:
        return timm.create_model(name, pretrained=True, num_classes=0, **options)
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f"the ImageNet weights of '{name}' could not be downloaded ({_first_line(error)}).", hint
        ) from error


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__


def set_last_stride(resnet: nn.Module, stride: int) -> None:
    """Give the last stage of a timm ResNet this stride, in place and without dilation.

    Stride 1 doubles the height and width of the last feature map (Luo et al. 2019, Section 3.5).

    Raises:
        UserError: the network has no ``layer4``, so it is not a ResNet.
    """
    layer4 = getattr(resnet, "layer4", None)
    if not isinstance(layer4, nn.Sequential):
        raise UserError(
            f"'{type(resnet).__name__}' has no layer4, so its last stride cannot be set.", "Choose a timm ResNet."
        )
    for module in layer4[0].modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.stride = (stride, stride)
        if isinstance(module, nn.AvgPool2d) and module.stride in (2, (2, 2)):  # the shortcut of ResNet-D
            module.stride, module.kernel_size = stride, stride
