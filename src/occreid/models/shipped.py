"""Models that come inside the package: one registry file with names and hashes, the weights and cards beside it.

The weights are float16 safetensors of everything but the classifier's rows, which know only the training's persons.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.errors import UserError
from occreid.files import read_json, replacing, write_json
from occreid.models.contract import Trainable
from occreid.tensor_files import write_tensors

SHIPPED = Path(__file__).parent / "shipped_weights"
"""Where the registry, the weights and their cards are."""
DEFAULT = "occreid-lite"
"""The model that is taken where none is given."""
_REGISTRY = "registry.json"


def shipped_models(folder: Path = SHIPPED) -> dict[str, str]:
    """Name → one line about it, of every model that came with the package, sorted."""
    return {name: entry["about"] for name, entry in sorted(_registry(folder).items())}


def default_model(folder: Path | None = None) -> str:
    """The name of the model that is taken where none is given: `DEFAULT`, else the first that came with the package.

    Raises:
        UserError: none came.
    """
    names = list(shipped_models(folder or SHIPPED))
    if not names:
        raise UserError(
            "no model is given, and this package brings none.",
            "Give a run folder of 'occreid train', a weights file, hf:owner/name, or https://…#sha256=…",
        )
    return DEFAULT if DEFAULT in names else names[0]


def shipped_file(name: str, folder: Path = SHIPPED) -> Path:
    """The weights file of a model of the package, with its card beside it; both are as they were when packed.

    Raises:
        UserError: a file is missing or was changed.
    """
    entry = _registry(folder)[name]
    for file, wanted in ((f"{name}.safetensors", entry["sha256"]), (f"{name}.json", entry["card_sha256"])):
        if not (folder / file).is_file() or _sha256(folder / file) != wanted:
            raise UserError(
                f"{folder / file} is missing or damaged: it is not what the registry names.", "Install occreid again."
            )
    return folder / f"{name}.safetensors"


def pack(model: Trainable, name: str, about: str, card: dict[str, Any], folder: Path = SHIPPED) -> Path:
    """Add a model to the package, or replace it.

    Args:
        model: a trained one, built by `create_model`.
        name: how `load_model` will know it, e.g. ``"occreid-lite"``.
        about: one line for who lists the models.
        card: of the training run (`read_card`) and whatever its users must know; must be JSON-serialisable.
        folder: the registry's.

    Returns:
        The weights file.

    Raises:
        UserError: the model has no spec, or the folder cannot be written.
    """
    if model.spec is None:
        raise UserError(f"this {type(model).__name__} carries no spec.", "Build models with occreid.create_model.")
    with replacing(folder / f"{name}.safetensors", what="the weights") as part:
        write_tensors(_slim(model), part)
        sha256 = _sha256(part)
    entries = {
        **card,
        "name": name,
        "method": model.spec.name,
        "options": model.spec.options,
        "num_classes": 1,
        "input_size": list(model.input_size),
        "pixel_mean": list(model.pixel_mean),
        "pixel_std": list(model.pixel_std),
        "sha256": sha256,
    }
    write_json(folder / f"{name}.json", entries, indent=2, what="the card")
    entry = {"about": about, "sha256": sha256, "card_sha256": _sha256(folder / f"{name}.json")}
    write_json(folder / _REGISTRY, {**_registry(folder), name: entry}, indent=2, what="the registry")
    return folder / f"{name}.safetensors"


def _slim(model: Trainable) -> dict[str, Tensor]:
    """Tensors for one class instead of many, in half the bytes."""
    assert model.spec is not None
    from occreid.models.registry import create_trainable, method_options

    options = dict(model.spec.options)
    if "pretrained" in method_options(model.spec.name):
        options["pretrained"] = "none"
    wanted = create_trainable(model.spec.name, 1, **options).state_dict()
    kept = {}
    for key, tensor in model.state_dict().items():
        tensor = tensor.detach().cpu()
        if tensor.shape != wanted[key].shape:
            tensor = tensor[: wanted[key].shape[0]]
        kept[key] = (tensor.half() if tensor.dtype == torch.float32 else tensor).contiguous().clone()
    return kept


def _registry(folder: Path) -> dict[str, Any]:
    if not (folder / _REGISTRY).is_file():
        return {}
    return read_json(folder / _REGISTRY, what="the registry of models", hint="Install occreid again.")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
