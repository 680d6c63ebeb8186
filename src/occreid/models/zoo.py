"""Checkpoints of other toolboxes' model zoos: weights alone, for networks that are defined here.

torchreid's OSNet (all widths, AIN) and ResNet-50, fast-reid's ResNet-50. Every tensor of a checkpoint is either loaded
or named as one that describing needs not; one that is neither ends the import.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from occreid.errors import UserError, worded
from occreid.nn.osnet import CHANNELS, OSNet
from occreid.nn.plain_resnet import PlainResNet50

ENDINGS = (".pth", ".tar", ".ckpt")
_NETWORKS: dict[str, Callable[..., nn.Module]] = {"osnet": OSNet, "resnet50": PlainResNet50}
_KNOWN = "torchreid's osnet, osnet_ain and resnet50, fast-reid's resnet50"
_UNUSED = re.compile(
    r"classifier\.(weight|bias)|heads\.(weight|classifier\.weight|cls_layer\.weight)|fc\.(weight|bias)"
)
"""Classifiers: they know the training's persons only."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a checkpoint is.

    Attributes:
        architecture: ``name`` of the network and its options.
        tensors: of the network, by its own names; every one it has.
        unused: the checkpoint's names of what describing needs not.
        mean: of red, green, blue in [0, 255], where the checkpoint says it.
        std: likewise.
    """

    architecture: dict[str, Any]
    tensors: dict[str, Tensor]
    unused: tuple[str, ...]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a ``.pth`` file, by names without the prefix of a parallel training.

    Only tensors and plain containers are read (``weights_only``): a pickle cannot run anything.

    Raises:
        UserError: no such file, or one that holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}'.", "Give a checkpoint.")
    hint = "Save its state_dict alone, with torch.save, where it came from."
    with worded(f"cannot read {path} as weights alone", hint):
        held: Any = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        held = held[key] if isinstance(held, Mapping) and isinstance(held.get(key), Mapping) else held
    if not isinstance(held, Mapping) or not all(isinstance(tensor, Tensor) for tensor in held.values()) or not held:
        raise UserError(f"{path} holds no table of tensors.", "Give a checkpoint of a network's weights.")
    return {re.sub(r"^(module|model)\.", "", str(name)): tensor for name, tensor in held.items()}


def recognise(tensors: Mapping[str, Tensor], source: object) -> Recognised:
    """Which network these weights are of, from their names and shapes.

    Args:
        tensors: see `read_checkpoint`.
        source: the file, for the error.

    Raises:
        UserError: none that is known, or tensors that are missing, too many or of another shape, naming the first.
    """
    if "conv2.0.gate.fc1.weight" in tensors:
        architecture, kept = _osnet(tensors), dict(tensors)
    elif "backbone.layer4.2.conv3.weight" in tensors:
        architecture, kept = _fastreid(tensors), _renamed(tensors)
    elif "layer4.2.conv3.weight" in tensors:
        architecture = {"name": "resnet50"}
        kept = {name if _UNUSED.fullmatch(name) else f"backbone.{name}": t for name, t in tensors.items()}
    else:
        raise UserError(
            f"{source} holds weights of an unknown network, e.g. '{next(iter(tensors))}'.", f"Known: {_KNOWN}."
        )
    statistics = [kept.pop(key, None) for key in ("pixel_mean", "pixel_std")]
    unused = sorted(name for name in kept if _UNUSED.fullmatch(name) and not name.startswith("backbone."))
    kept = {name: tensor for name, tensor in kept.items() if name not in unused}
    own = build(architecture).state_dict()
    for name in own:
        if name.endswith("num_batches_tracked"):
            kept.setdefault(name, own[name])  # checkpoints of torch before 0.4.1 have none
    wrong = sorted(own.keys() ^ kept.keys()) or sorted(name for name in own if own[name].shape != kept[name].shape)
    if wrong:
        where = "is missing" if wrong[0] not in kept else "has no place" if wrong[0] not in own else "has another shape"
        raise UserError(
            f"{source} looks like {architecture['name']}, but {len(wrong)} tensors do not fit: '{wrong[0]}' {where}.",
            f"Export it to ONNX where it came from. Known: {_KNOWN}.",
        )
    mean, std = (None if one is None else tuple(one.flatten().tolist()) for one in statistics)
    return Recognised(architecture, kept, tuple(unused), mean, std)


def build(architecture: Mapping[str, Any]) -> nn.Module:
    """The network of `Recognised.architecture`, in eval mode, without its weights."""
    options = {key: value for key, value in architecture.items() if key != "name"}
    return _NETWORKS[architecture["name"]](**options).eval()


def filled(found: Recognised) -> nn.Module:
    """The network with its weights, in eval mode."""
    network = build(found.architecture)
    network.load_state_dict(found.tensors)
    return network


def _osnet(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    last = tensors["conv5.conv.weight"].shape[0] if "conv5.conv.weight" in tensors else 512
    widths = {channels[-1]: width for width, channels in CHANNELS.items()}
    features = tensors["fc.0.weight"].shape[0] if "fc.0.weight" in tensors else 512
    variant = "ain" if "pool2.0.conv.weight" in tensors else "plain"
    return {"name": "osnet", "width": widths.get(last, 1.0), "variant": variant, "features": features}


def _fastreid(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    gem = any(name in tensors for name in ("heads.pool_layer.p", "heads.pool_layer.0.p"))
    neck = any(name.startswith("heads.bottleneck.") or name.startswith("heads.bnneck.") for name in tensors)
    return {
        **{"name": "resnet50", "last_stride": 1, "stem": "ceil", "pooling": "gem" if gem else "avg"},
        "neck": neck,
    }


def _renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fast-reid's names as `PlainResNet50`'s."""
    kept = {}
    for name, tensor in tensors.items():
        new = re.sub(r"^heads\.(bottleneck\.0|bottleneck|bnneck)\.", "neck.", name)
        new = re.sub(r"^heads\.pool_layer\.(0\.)?p$", "pool.p", new)
        kept[new] = tensor.reshape(()) if new == "pool.p" and math.prod(tensor.shape) == 1 else tensor
    return kept
