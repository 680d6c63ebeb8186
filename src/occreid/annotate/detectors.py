"""Torchvision's detectors of persons, with weights it downloads or a file of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from occreid.data.images import Pixels
from occreid.errors import UserError, worded
from occreid.files import sha256_of

COCO = "coco"
"""Instead of a file: torchvision's own weights, downloaded."""
COCO_PERSON = 1
"""The class of persons in the detectors' answers."""


def open_detector(
    name: str, weights: str, hint: str, *, device: torch.device | str = "cpu", shorter_side: int = 320
) -> nn.Module:
    """A detector in evaluation mode.

    Args:
        name: of torchvision's builder, e.g. ``"maskrcnn_resnet50_fpn"``.
        weights: `COCO` downloads torchvision's weights, anything else is the path of its state dict.
        hint: what to give instead, for those who have no weights.
        device: where it runs.
        shorter_side: crops of persons are small: they are enlarged to this, not to 800 pixels.

    Raises:
        UserError: no such file, one of another network, or no network for the download.
    """
    from torchvision.models import get_model

    sizes = {"min_size": shorter_side, "max_size": 4 * shorter_side}
    if weights == COCO:
        with worded(f"the weights of {name} could not be loaded", hint):
            return get_model(name, weights="COCO_V1", **sizes).to(device).eval()
    if not Path(weights).is_file():
        raise UserError(f"there are no weights {weights}.", f"Give '{COCO}' to download them. {hint}")
    network = get_model(name, weights=None, weights_backbone=None, **sizes)
    with worded(f"{weights} does not hold weights of torchvision's {name}", hint):
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.to(device).eval()


@torch.no_grad()
def persons_in(
    network: Callable[[list[Tensor]], list[dict[str, Tensor]]],
    image: Pixels,
    score: float,
    device: torch.device | str,
) -> dict[str, Tensor]:
    """What a detector finds of persons, with n of them along the first axis of every entry.

    Args:
        network: images (3, H, W) in [0, 1] → boxes, labels, scores and more, as torchvision's detectors.
        image: (H, W, 3) uint8 RGB.
        score: least score of a person, in [0, 1].
        device: where the network is.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(device)
    (found,) = network([pixels.float() / 255])
    persons = (found["labels"] == COCO_PERSON) & (found["scores"] >= score)
    return {name: values[persons] for name, values in found.items()}


def weights_key(weights: str) -> str:
    """What tells weights apart in the key of a folder: `COCO`, or the start of the file's SHA-256.

    Raises:
        UserError: there is no such file.
    """
    return COCO if weights == COCO else sha256_of(weights)[:16]
