"""Masks made of the very pictures that a method describes, by a parser that goes with the model.

A method that asks which part of a person is visible needs a mask of every picture. Masks from a folder
(`occreid.data.masks`) fit the pictures of a benchmark as they are; what a camera, a service or a stress test shows has
none. A `Masker` makes them of the pixels as the method sees them, so that it knows no more than the picture tells.

Letters: B images, H × W pixels, P parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from occreid.errors import UserError
from occreid.models.contract import Method, PartParser
from occreid.models.locate import MASKER
from occreid.nn.modes import evaluating

CARD_KEY = "masker"
"""Of a model's card: which parser that is. An exported file's ``masks`` says whether it takes any."""


@dataclass(frozen=True, slots=True)
class Masker:
    """A parser as a maker of masks.

    Attributes:
        parser: what parses; moved to wherever pictures are.
        about: ``provider``, the parser's method, and ``sha256`` of its weights; goes into the model's card.
        card: the parser's own card, kept with it.
    """

    parser: PartParser
    about: dict[str, str]
    card: dict[str, Any]

    @property
    def key(self) -> str:
        """Its name and hash in one word; galleries and results hold it."""
        return f"{self.about['provider']}:{self.about['sha256']}"

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 or float in [0, 1] → (B, H, W) uint8 part masks, 0 where nobody is seen."""
        height, width = images.shape[2:]
        with evaluating(self.parser.to(images.device)):
            scores = self.parser.parse(resized(images, self.parser.input_size))  # (B, 1 + P, h, w)
        return part_labels(scores, height, width).to(torch.uint8)


def part_labels(scores: Tensor, height: int, width: int) -> Tensor:
    """(B, 1 + P, h, w) scores, stretched → (B, H, W) int64 labels, 0 = background, p + 1 = part p."""
    return interpolate(scores.float(), (height, width), mode="bilinear", align_corners=False).argmax(1)


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) uint8 or float in [0, 1] at another height and width, of the type that it came in."""
    if tuple(images.shape[2:]) == size:
        return images
    pixels = images.float()
    pixels = interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    if images.dtype == torch.uint8:
        return pixels.round().clamp(0, 255).to(torch.uint8)
    return pixels.clamp(0, 1).to(images.dtype)


def masks_key(model: Method) -> str:
    """What a model's masks depend on; empty: it needs none, or nothing makes them."""
    return model.masker.key if model.needs_masks and model.masker is not None else ""


def require_same(own: str, kept: str, where: str) -> None:
    """Refuse a model whose masks are made by another parser than those that a gallery was filled with.

    Args:
        own: `masks_key` of the model.
        kept: that of the gallery.
        where: the gallery, for the message.

    Raises:
        UserError: they differ.
    """
    if own != kept:
        raise UserError(
            f"{where} is filled with masks of {kept[:24] or 'no parser'}, this model has {own[:24] or 'none'}.",
            "Use the model folder that fills it: 'occreid equip' puts a parser beside a model.",
        )


def path_of(folder: Path) -> Path:
    """Where the parser of a model in a folder lies."""
    return folder / MASKER
