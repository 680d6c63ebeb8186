"""A trained model → a file that runs elsewhere, compared with PyTorch on pictures of a benchmark or a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.export.files import FORMATS, export_model
from occreid.export.int8 import Quantized, quantize_and_measure
from occreid.export.parity import Parity
from occreid.export.pictures import COMPARED, folder_records, load_pictures
from occreid.models import load_model, read_card
from occreid.models.contract import Method
from occreid.records import Split


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        file: the model.
        parity: how near it comes to PyTorch.
        masks: whether it takes masks beside pictures.
        int8: the int8 network beside it, where one was asked for.
    """

    file: Path
    parity: Parity
    masks: bool
    int8: Quantized | None = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.file.stat().st_size

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {
            "file": str(self.file),
            "bytes": self.size,
            "deviation": self.parity.deviation,
            "batches": list(self.parity.batches),
            "images": self.parity.images,
            "inputs": ["images", "masks"] if self.masks else ["images"],
        }
        return found if self.int8 is None else {**found, "int8": self.int8.to_json()}


def export_run(
    run: Path,
    benchmarks: Callable[[], Sequence[Split]],
    *,
    out: Path | None = None,
    kind: str = "onnx",
    opset: int = 20,
    images: Path | None = None,
    int8: str | None = None,
    calibration: int = 128,
    flip_test: bool = False,
    progress: bool = False,
) -> Exported:
    """Write a model as one file, and an int8 network beside it where that is asked for.

    Args:
        run: a run folder or a weights file.
        benchmarks: read only where they are needed; the first one's queries are compared on, all are measured on.
        out: the file; None: ``model.<format>`` in the run folder.
        kind: of `FORMATS`.
        opset: of ONNX.
        images: compare on the pictures of this folder instead.
        int8: of `occreid.export.WAYS`, or None.
        calibration: training pictures that static ranges are taken from.
        flip_test: let the file describe pictures together with their mirror images.
        progress: show a bar.

    Raises:
        UserError: options that do not go together, pictures or masks that are missing, or a file that deviates.
    """
    if int8 is not None and kind != "onnx":
        raise UserError(f"--int8 belongs to --format onnx, not to {kind}.", "Leave one of them out.")
    card, model = read_card(run), load_model(run)
    model.flip_test = model.flip_test or flip_test
    _check_masks(model, images, int8)
    if kind == "safetensors" and out is None:
        raise UserError("a run folder holds its weights as safetensors already.", "Give another place: --out FILE")
    target = out or (run if run.is_dir() else run.parent) / f"model{FORMATS[kind]}"
    splits = [] if images is not None and int8 is None else benchmarks()
    if int8 == "static" and not splits[0].train:
        raise UserError(f"{splits[0].name} has no training pictures for the ranges.", "Use --int8 dynamic.")
    records = folder_records(images) if images is not None else splits[0].query[:COMPARED]
    pictures, masks = load_pictures(records, model)
    parity = export_model(model, target, pictures, masks, kind=kind, opset=opset, card=card)
    if int8 is None:
        return Exported(target, parity, masks is not None)
    small = quantize_and_measure(
        model, target, int8, splits, (pictures, masks), calibration=calibration, progress=progress
    )
    return Exported(target, parity, masks is not None, small)


def _check_masks(model: Method, images: Path | None, int8: str | None) -> None:
    if not model.needs_masks or model.masker is not None:  # its own parser makes them
        return
    if images is not None:
        raise UserError(
            "the pictures of --images have no masks, and this model needs them.",
            "Leave --images out, and give --option test_masks=FOLDER; or put a parser beside it: occreid equip",
        )
    if int8 == "static":
        raise UserError("training pictures have no masks to find ranges with.", "Use --int8 dynamic.")
