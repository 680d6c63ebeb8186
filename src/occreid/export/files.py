"""Writing a model as ONNX, TorchScript or safetensors: into a file of its own, moved in place once it agrees."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.errors import UserError, did_you_mean, require
from occreid.export.graph import Describe, card_for
from occreid.export.parity import BATCHES, Describing, Parity, check_parity
from occreid.files import replacing
from occreid.methods import Method
from occreid.models import load_model, save_model
from occreid.models.exported import CARD_ENTRY, ExportedModel
from occreid.models.weights import CARD, WEIGHTS

FORMATS = {"onnx": ".onnx", "torchscript": ".torchscript", "safetensors": ".safetensors"}
OPSETS = range(18, 24)
"""ONNX operator sets that PyTorch's exporter writes and ONNX Runtime reads."""
OPSET = 20
_INPUTS = ("images", "masks")


def export_model(
    model: Method,
    path: str | Path,
    images: Tensor,
    masks: Tensor | None = None,
    *,
    kind: str = "onnx",
    opset: int = OPSET,
    card: dict[str, Any] | None = None,
) -> Parity:
    """Write a model to a file that needs neither its code nor its recipe, if it agrees with PyTorch.

    Args:
        model: on the CPU; left in eval mode.
        path: the file to write; its folder is made.
        images: (N, 3, H, W) uint8 real pictures of the model's input size, to compare on.
        masks: (N, H, W) uint8 masks of these pictures, for a method that needs them: the file then takes
            ``images`` and ``masks``.
        kind: ``"onnx"``, ``"torchscript"`` or ``"safetensors"``.
        opset: of ONNX.
        card: of the trained model (`occreid.models.read_card`), to be kept in the file.

    Returns:
        How well the file agrees, at batch sizes 1, 2, 7 and 32.

    Raises:
        UserError: an unknown format or opset, pictures of another size, masks missing or too many, a network that
            cannot be exported or whose export does not agree (nothing is written then), or a path that cannot be
            written.
    """
    path = Path(path)
    _check(model, images, masks, kind, opset)
    inputs = (images,) if masks is None else (images, masks)
    model.eval()
    write = {"onnx": _write_onnx, "torchscript": _write_torchscript, "safetensors": _write_safetensors}[kind]
    facts = card_for(model, card, opset=opset) if kind == "onnx" else card_for(model, card)
    with replacing(path, hint="Choose another --out.") as part:
        try:
            parity = check_parity(write(model, part, _two(inputs), facts), reference(model), *inputs, batches=BATCHES)
            if kind == "safetensors":
                os.replace(_card_beside(part), path.with_suffix(".json"))
        finally:
            _card_beside(part).unlink(missing_ok=True)
    return parity


def reference(model: Method) -> Describing:
    """PyTorch's own descriptors, as `check_parity` takes them."""
    network = Describe(model).eval()

    def describe(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            features, visibility = network(*inputs)
            return features.clone(), visibility.clone()

    return describe


def _check(model: Method, images: Tensor, masks: Tensor | None, kind: str, opset: int) -> None:
    if kind not in FORMATS:
        raise UserError(f"there is no format '{kind}'.", did_you_mean(kind, FORMATS))
    if tuple(images.shape[1:]) != (3, *model.input_size) or images.dtype != torch.uint8:
        raise UserError(
            f"pictures of shape {tuple(images.shape)} ({images.dtype}) cannot be compared on.",
            f"Give uint8 pictures of shape (N, 3, {model.input_size[0]}, {model.input_size[1]}).",
        )
    if model.needs_masks != (masks is not None):
        raise UserError(
            f"this {type(model).__name__} describes {'pictures and masks' if model.needs_masks else 'pictures alone'}.",
            "Give masks of the pictures where the method needs them, and only there.",
        )
    if masks is not None and (masks.shape != (len(images), *model.input_size) or masks.dtype != torch.uint8):
        raise UserError(
            f"masks of shape {tuple(masks.shape)} ({masks.dtype}) do not fit the pictures.",
            f"Give uint8 masks of shape ({len(images)}, {model.input_size[0]}, {model.input_size[1]}).",
        )
    if kind == "safetensors" and model.masker is not None:
        raise UserError("the parser of this model goes into no one file of weights.", "Copy the model's folder.")
    if opset not in OPSETS:
        raise UserError(
            f"ONNX opset {opset} is not supported.", f"Choose {OPSETS.start} to {OPSETS.stop - 1} (usual: {OPSET})."
        )
    for package in ("onnxscript", "onnxruntime") if kind == "onnx" else ():
        require(package, "export")


def _write_onnx(model: Method, path: Path, inputs: tuple[Tensor, ...], facts: dict[str, Any]) -> Describing:
    """One file with a dynamic batch; the card is in its metadata."""
    batch = torch.export.Dim("batch", min=1, max=2**16)
    names = list(_INPUTS[: len(inputs)])
    with _quiet():
        try:
            program = torch.onnx.export(
                Describe(model).eval(),
                inputs,
                dynamo=True,
                dynamic_shapes={name: {0: batch} for name in names},
                input_names=names,
                output_names=["features", "visibility"],
                opset_version=facts["opset"],
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise UserError(
                f"this {type(model).__name__} cannot be written as ONNX opset {facts['opset']} "
                f"({str(error).splitlines()[0]}).",
                f"Try opset {OPSET}, or --format torchscript.",
            ) from error
    assert program is not None
    program.model.metadata_props[CARD_ENTRY] = json.dumps(facts, ensure_ascii=False)
    program.save(str(path), external_data=False)
    return ExportedModel(path).run


def _write_torchscript(model: Method, path: Path, inputs: tuple[Tensor, ...], facts: dict[str, Any]) -> Describing:
    """A traced graph: no Python control flow is left in it; the card is an extra file, ``card.json``."""
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        traced: Any = torch.jit.trace(Describe(model).eval(), inputs, check_trace=False)
        torch.jit.save(traced, str(path), _extra_files={"card.json": json.dumps(facts, ensure_ascii=False)})
        loaded: Any = torch.jit.load(str(path))

    def describe(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            return loaded(*inputs)

    return describe


def _write_safetensors(model: Method, path: Path, inputs: tuple[Tensor, ...], facts: dict[str, Any]) -> Describing:
    """The weights and, beside them, the card; `load_model` needs occreid to run them."""
    folder = path.with_name(f"{path.name}.folder")
    # a calibration names the weights' hash, and these are written anew
    save_model(model, folder, {k: v for k, v in facts.items() if k not in ("sha256", "opset", "calibration")})
    os.replace(folder / WEIGHTS, path)
    os.replace(folder / CARD, _card_beside(path))
    folder.rmdir()
    return reference(load_model(path))


def _two(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each[torch.arange(2) % len(each)] for each in inputs)


def _card_beside(part: Path) -> Path:
    return part.with_suffix(".json")


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters' own advice to their developers, not to our users: tracing and TorchScript being old, and so on."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
