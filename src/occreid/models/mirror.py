"""Describing a picture together with its mirror image, which a camera on the other side might have taken.

HAN's authors and many others test like this; it costs twice the time. Letters: B images, P parts, D dimensions.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from occreid.descriptors import Descriptors


class Describing(Protocol):
    """What a model must have to describe both images."""

    flip_test: bool
    flip_inside: bool
    mirrored_parts: tuple[int, ...] | None

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """Descriptors of (B, 3, H, W) images."""
        ...


def describe(
    model: Describing, images: Tensor, masks: Tensor | None = None, *, flip_test: bool | None = None
) -> Descriptors:
    """What pictures are compared by: `describe` of the model, averaged over image and mirror image where asked for.

    Args:
        model: a method.
        images: (B, 3, H, W).
        masks: (B, H, W), if the method uses them.
        flip_test: average; None: as the model says of itself.

    Returns:
        (B, P, D). A part that one of the two images shows alone is that image's; a part that neither shows is the
        mean and stays invisible.
    """
    seen = model.describe(images, masks)
    if model.flip_inside or not (model.flip_test if flip_test is None else flip_test):
        return seen
    mirrored = model.describe(images.flip(-1), None if masks is None else masks.flip(-1))
    order = slice(None) if model.mirrored_parts is None else list(model.mirrored_parts)
    other = Descriptors(mirrored.features[:, order], mirrored.visibility[:, order])
    mean = (seen.features + other.features) / 2
    alone = (seen.visibility != other.visibility)[..., None]
    shown = torch.where(seen.visibility[..., None], seen.features, other.features)
    return Descriptors(torch.where(alone, shown, mean), seen.visibility | other.visibility)
