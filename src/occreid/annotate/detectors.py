"""Torchvision's detectors of persons, with weights it downloads or a file of them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from occreid.errors import UNREADABLE, UserError

COCO_PERSON = 1
"""The class of persons in the detectors' answers."""


def open_detector(
    name: str, weights: str, hint: str, *, device: torch.device | str = "cpu", shorter_side: int = 320
) -> nn.Module:
    """A detector in evaluation mode.

    Args:
        name: of torchvision's builder, e.g. ``"maskrcnn_resnet50_fpn"``.
        weights: ``"coco"`` downloads torchvision's weights, anything else is the path of its state dict.
        hint: what to give instead, for those who have no weights.
        device: where it runs.
        shorter_side: crops of persons are small: they are enlarged to this, not to 800 pixels.

    Raises:
        UserError: no such file, one of another network, or no network for the download.
    """
    from torchvision.models import get_model

    sizes = {"min_size": shorter_side, "max_size": 4 * shorter_side}
    try:
        if weights == "coco":
            network = get_model(name, weights="COCO_V1", **sizes)
        else:
            if not Path(weights).is_file():
                raise UserError(f"there are no weights {weights}.", f"Give 'coco' to download them. {hint}")
            network = get_model(name, weights=None, weights_backbone=None, **sizes)
            network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except OSError as error:
        raise UserError(f"the weights of {name} could not be loaded ({error}).", hint) from error
    except UNREADABLE as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{weights} does not hold weights of torchvision's {name} ({reason}).", hint) from error
    return network.to(device).eval()
