"""An exported model with the API of a method: the same calls, on ONNX Runtime.

Letters: B images, H × W pixels, P parts, D dimensions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError, worded
from occreid.models.card import RESTORE, checked_card
from occreid.models.contract import ModelSpec
from occreid.models.networks import FileModel, open_onnx
from occreid.models.pictures import check_images

CARD_ENTRY = "occreid"
"""Of an ONNX file's metadata: its card, as JSON."""


class ExportedModel(FileModel):
    """A ``.onnx`` file of `occreid export`.

    Args:
        path: the file.
        threads: see `open_onnx`.

    Raises:
        UserError: no such file, no ONNX, or an ONNX that occreid did not write.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        session = open_onnx(Path(path), threads)
        super().__init__(Path(path), _card(session, Path(path)))
        self.session = session
        self.needs_masks = bool(self.card.get("masks"))
        self.flip_test = self.flip_inside = bool(self.card.get("flip_test"))
        if {"method", "num_classes", "options"} <= self.card.keys():
            self.spec = ModelSpec(self.card["method"], self.card["num_classes"], self.card["options"])

    def run(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) uint8 RGB → features (B, P, D) float32 and visibility (B, P) bool, on the CPU.

        ``masks`` (B, H, W) uint8 if, and only if, the method needs them.
        """
        inputs = {"images": images} if masks is None else {"images": images, "masks": masks}
        arrays = {name: each.cpu().contiguous().numpy() for name, each in inputs.items()}
        features, visibility = self.session.run(None, arrays)
        return torch.from_numpy(features), torch.from_numpy(visibility)

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """Descriptors of uint8 pictures of exactly ``input_size``, or of float ones in [0, 1].

        Masks (B, H, W) count only where the exported method needs them.

        Raises:
            UserError: pictures of another size, type or range; no masks where they are needed.
        """
        check_images(images, self.input_size, str(self.path))
        pixels = images if images.dtype == torch.uint8 else (images * 255).round().clamp(0, 255).to(torch.uint8)
        if not self.needs_masks:
            return Descriptors(*self.run(pixels)).to(images.device)
        masks = self.masks_for(images, masks)
        if masks is None or masks.shape != (len(images), *self.input_size):
            raise UserError(
                f"{self.path} needs a mask of every picture, at the pictures' size.",
                "Make masks with 'occreid parse' or 'occreid masks', and name them: --option test_masks=FOLDER.",
            )
        return Descriptors(*self.run(pixels, masks.to(torch.uint8))).to(images.device)

    def refine(self, descriptors: Descriptors, gallery: Descriptors) -> Descriptors:
        """Unchanged, as most methods do.

        Raises:
            UserError: the exported method looks at the gallery, which is no part of the file.
        """
        if self.card.get("refines"):
            raise UserError(
                f"{self.path} describes pictures only; {self.card.get('method')} also looks at the gallery.",
                "Load the trained model itself: its refine(descriptors, gallery) takes these descriptors.",
            )
        return descriptors


def read_exported_card(path: str | Path) -> dict[str, Any]:
    """The card in an exported file.

    Raises:
        UserError: see `ExportedModel`.
    """
    return _card(open_onnx(Path(path), 1), Path(path))


def _card(session: Any, path: Path) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get(CARD_ENTRY)
    if text is None:
        raise UserError(
            f"{path} is an ONNX file that occreid did not write.", f"Say once what it takes: occreid import {path}"
        )
    where = f"the card in {path}"
    with worded(f"{where} is damaged", RESTORE):
        card = json.loads(text)
    return checked_card(card, where, ("metric", "input_size"))
