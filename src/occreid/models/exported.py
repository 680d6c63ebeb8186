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
from occreid.errors import UserError, require
from occreid.models.contract import Method, ModelSpec
from occreid.models.pictures import check_images
from occreid.records import Batch


class ExportedModel(Method):
    """A ``.onnx`` file of `occreid export`.

    Args:
        path: the file.
        threads: CPU threads; 0: as many as ONNX Runtime likes.

    Raises:
        UserError: no such file, no ONNX, or an ONNX that occreid did not write.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        super().__init__()
        self.path = Path(path)
        self.session = _open(self.path, torch.get_num_threads() if threads is None else threads)
        self.card = _card(self.session, self.path)
        self.metric = self.card["metric"]  # type: ignore[misc]  # of the exported method
        self.input_size = tuple(self.card["input_size"])
        self.needs_masks = bool(self.card.get("masks"))
        self.parameters_in_file = int(self.card.get("parameters", 0))
        if "method" in self.card:
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

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """An exported model cannot train.

        Raises:
            UserError: always.
        """
        raise UserError(f"{self.path} is an exported model and cannot train.", "Train the model it was made from.")


def read_exported_card(path: str | Path) -> dict[str, Any]:
    """The card in an exported file.

    Raises:
        UserError: see `ExportedModel`.
    """
    return _card(_open(Path(path), 1), Path(path))


def _open(path: Path, threads: int) -> Any:
    runtime = require("onnxruntime", "export")
    if not path.is_file():
        raise UserError(f"there is no model '{path}'.", "Write one with: occreid export RUN --format onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    failures = runtime.capi.onnxruntime_pybind11_state
    try:
        return runtime.InferenceSession(str(path), options, providers=runtime.get_available_providers())
    except (failures.InvalidProtobuf, failures.InvalidGraph, failures.Fail, failures.NotImplemented) as error:
        raise UserError(
            f"cannot read {path} as ONNX ({str(error).splitlines()[0]}).", "Export it again with: occreid export"
        ) from error


def _card(session: Any, path: Path) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get("occreid")
    if text is None:
        raise UserError(f"{path} is an ONNX file that occreid did not write.", "Export a model with: occreid export")
    return json.loads(text)
