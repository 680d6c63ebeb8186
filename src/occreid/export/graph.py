"""The network as a plain function of pictures, and what a file of it must say of itself.

Letters: B images, H × W pixels, P parts, D dimensions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from occreid.methods import Method
from occreid.models.masker import CARD_KEY
from occreid.models.mirror import describe
from occreid.models.weights import versions


class Describe(nn.Module):
    """uint8 pictures, and masks where a method needs them → features and visibility.

    Normalisation is inside, so nobody can do it otherwise.

    Args:
        model: what describes.
    """

    def __init__(self, model: Method) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) uint8 RGB, (B, H, W) uint8 → (B, P, D) float32 and (B, P) bool."""
        described = describe(self.model, images, masks)
        return described.features, described.visibility


def card_for(model: Method, card: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """What an exported file says of itself, ready for JSON.

    Args:
        model: built by `create_model` or `load_model`.
        card: of the trained model (`read_card`), or None.
        facts: further entries.
    """
    spec = model.spec
    blank = torch.zeros(1, 3, *model.input_size, dtype=torch.uint8)
    with torch.inference_mode():
        shape = model.eval().describe(blank, blank[:, 0] if model.needs_masks else None).features.shape
    return {
        **({} if spec is None else {"method": spec.name, "options": spec.options, "num_classes": spec.num_classes}),
        **{key: value for key, value in (card or {}).items() if key != CARD_KEY},  # no parser goes into the file
        "input_size": list(model.input_size),
        "metric": model.metric,
        "parts": shape[1],
        "dimensions": shape[2],
        "parameters": sum(p.numel() for p in model.parameters()),
        "masks": model.needs_masks,
        "flip_test": model.flip_test,
        "refines": type(model).refine is not Method.refine,
        "versions": versions(),
        **facts,
    }
