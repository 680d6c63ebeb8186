"""Weights on disk: ``model.safetensors`` beside ``model.json``, the card that says what they are."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from occreid.errors import UserError, worded
from occreid.files import read_json, replacing, sha256_of, write_json
from occreid.models.card import RESTORE, checked_card
from occreid.models.contract import Method, ModelSpec, PartParser, Trainable
from occreid.models.exported import ExportedModel, read_exported_card
from occreid.models.foreign import ForeignModel, is_foreign
from occreid.models.locate import CARD, WEIGHTS, locate
from occreid.models.masker import CARD_KEY, Masker, path_of
from occreid.models.registry import as_method, check_trusted, create_trainable, find_model, method_options
from occreid.tensor_files import write_tensors

_MODEL = ("format", "method", "options", "num_classes", "input_size", "pixel_mean", "pixel_std", "flip_test")
OF_WEIGHTS = ("name", "metrics", "figures", "calibration", "calibration_on_photographs", "fails_on")
"""What a card says of its very weights, their name and what was measured with them: not true of any others."""
WRITTEN = (*_MODEL, "sha256", "versions", CARD_KEY)
"""Keys of a card that `save_model` writes by itself."""


def save_model(model: Trainable, folder: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Write a model's weights and card.

    The card holds method, options, num_classes, input_size, the sha256 of the weights and versions, and
    whatever ``card`` adds (recipe, classes, metrics, data). A parser that makes the model's masks goes with it.

    Args:
        model: built by `create_model`.
        folder: where to write; made if missing. An existing model there is replaced, file by file.
        card: further entries for the card; must be JSON-serialisable.

    Returns:
        The path of the weights file.

    Raises:
        UserError: the folder cannot be written, or the model was not built by `create_model`.
    """
    if model.spec is None:
        raise UserError(f"this {type(model).__name__} carries no spec.", "Build models with occreid.create_model.")
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    try:
        with replacing(folder / WEIGHTS, what="the weights") as weights:
            write_tensors(tensors, weights)
            sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        entries = {
            "format": 1,
            "method": model.spec.name,
            "options": model.spec.options,
            "num_classes": model.spec.num_classes,
            "input_size": list(model.input_size),
            "pixel_mean": list(model.pixel_mean),
            "pixel_std": list(model.pixel_std),
            "flip_test": getattr(model, "flip_test", False),  # a parser has none
            "sha256": sha256,
            "versions": versions(),
            **(card or {}),
        }
        masker = getattr(model, "masker", None)
        if isinstance(masker, Masker):
            save_model(masker.parser, path_of(folder), masker.card)
            entries[CARD_KEY] = masker.about
        write_json(folder / CARD, entries, indent=2, what="the card")
    except SafetensorError as error:  # its word for a full disk
        raise UserError(
            f"cannot write the model to {folder} ({error}).", "Choose a folder you can write to."
        ) from error
    return folder / WEIGHTS


def read_card(source: str | Path) -> dict[str, Any]:
    """The card of a model, without loading it; with ``sha256`` of its weights in any case.

    Args:
        source: as `load_model`.

    Raises:
        UserError: there is no model there, or its card is not readable.
    """
    weights = locate(source)
    if weights.suffix == ".onnx" and not is_foreign(weights):
        card = read_exported_card(weights)
        return {"sha256": sha256_of(weights), **card}
    card_file = weights.with_suffix(".json")
    if not card_file.is_file():
        raise UserError(
            f"the weights {weights} have no card {card_file.name} beside them.",
            "Keep the two files together; of another toolbox's file it is written by: occreid import FILE",
        )
    card = read_json(card_file, what="the card", hint="Restore it from where the model came.")
    card = checked_card(card, f"the card {card_file}", ("method", "options", "num_classes", "input_size"))
    if "sha256" not in card:  # written before cards held it
        card["sha256"] = sha256_of(weights)
    return card


def load_model(path_or_name: str | Path, *, trust_code: bool = False) -> Method:
    """Load a trained method, in eval mode, on the CPU.

    Args:
        path_or_name: the name of a model of the package (``"occreid-lite"``), a run folder, a folder written by
            `save_model`, a ``.safetensors`` file, an ``.onnx`` file of `occreid export` (which runs on ONNX Runtime
            and cannot train), what `occreid import` took in, ``hf:owner/name`` or ``https://…#sha256=…``.
        trust_code: import the class a card names outside of occreid, which runs that code.

    Raises:
        UserError: nothing there, a damaged or exchanged file, weights that do not fit the card's method, code nobody
            trusts, or a parser.
    """
    return as_method(load_trained(path_or_name, trust_code=trust_code), path_or_name)


def load_parser(path: str | Path) -> PartParser:
    """Load a trained parser, or a method that parses (`hpnet`), in eval mode, on the CPU.

    Args:
        path: as `load_model`.

    Raises:
        UserError: what `load_model` raises, or a method that does not parse.
    """
    model = load_trained(path)
    if isinstance(model, PartParser):
        return model
    name = model.spec.name if model.spec else type(model).__name__
    raise UserError(f"{path} is a {name}, which does not parse people into parts.", "Use a run of parser or hpnet.")


def load_trained(path_or_name: str | Path, *, trust_code: bool = False) -> Trainable:
    """Load whatever a recipe has trained, as `load_model` does."""
    weights = locate(path_or_name)
    if is_foreign(weights):
        check_hash(read_card(weights), weights)
        return ForeignModel(weights).eval()
    if weights.suffix == ".onnx":
        return ExportedModel(weights).eval()
    card = read_card(weights)
    check_trusted(card["method"], path_or_name, trust_code)
    asked = {**find_model(card["method"]).older, **card["options"]}
    options = dict(asked)
    if "pretrained" in method_options(card["method"]):
        options["pretrained"] = "none"  # the file's weights replace them anyway: no download
    with worded(f"the card of {weights} describes a network that cannot be built", RESTORE):
        model = create_trainable(card["method"], card["num_classes"], **options)
    model.spec = ModelSpec(card["method"], card["num_classes"], asked)
    load_weights(model, weights)
    check_hash(card, weights)
    _check_pixels(model, card, weights)
    model.input_size, model.fixed_size = tuple(card["input_size"]), True
    if isinstance(model, Method):
        model.card, model.flip_test = card, bool(card.get("flip_test"))
        if CARD_KEY in card:
            model.masker = _masker_of(weights.parent, card[CARD_KEY])
    return model.eval()


def load_masker(source: str | Path) -> Masker:
    """A trained parser, or a method that parses, as what makes masks of pictures.

    Args:
        source: as `load_model`.

    Raises:
        UserError: what `load_parser` raises.
    """
    card = read_card(source)
    about = {"provider": card["method"], "sha256": card["sha256"]}
    return Masker(load_parser(source), about, {key: value for key, value in card.items() if key not in WRITTEN})


def _masker_of(folder: Path, about: dict[str, str]) -> Masker:
    """The parser that lies beside a model.

    Raises:
        UserError: there is none, or another one than the model's card names.
    """
    masker = load_masker(path_of(folder))
    if masker.about != about:
        raise UserError(
            f"{path_of(folder)} holds another parser than the card of {folder} names: the SHA-256 differ.",
            "Put the two together anew with: occreid equip",
        )
    return masker


def check_hash(card: dict[str, Any], weights: Path) -> None:
    """Refuse weights that are not those the card was written for; a card of before may have no hash.

    Raises:
        UserError: the file is another, or was changed.
    """
    if "sha256" in card and hashlib.sha256(weights.read_bytes()).hexdigest() != card["sha256"]:
        raise UserError(
            f"{weights} is not the file its card was written for: the SHA-256 differ.",
            "Restore the two from where the model came.",
        )


def _check_pixels(model: Trainable, card: dict[str, Any], weights: Path) -> None:
    """Refuse pixels that the model would see otherwise than in training; a card of before does not say how it saw them.

    Then ViTs saw them by one half, whatever their weights, and all others by ImageNet's mean and deviation.
    """
    if "pixel_mean" not in card and card["method"] in ("baseline_vit", "sureid"):
        model.expect_pixels((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    for key in ("pixel_mean", "pixel_std"):
        own = list(getattr(model, key))
        if card.get(key, own) != own:
            raise UserError(
                f"the card of {weights} says {key} {card[key]}, but the network's weights expect {own}.",
                "Restore the card from where the model came.",
            )


def load_weights(model: Trainable, weights: str | Path) -> None:
    """Load a weights file into a model, every tensor or none.

    Raises:
        UserError: a damaged file, or one whose tensors are not this model's (the first is named).
    """
    tensors = read_weights(weights)
    own = model.state_dict()
    wrong = sorted(own.keys() ^ tensors.keys()) or sorted(k for k in own if own[k].shape != tensors[k].shape)
    if wrong:
        name = model.spec.name if model.spec else type(model).__name__
        raise UserError(
            f"{weights} is not a checkpoint of this {name}: "
            f"{len(wrong)} of {len(own)} tensors differ, e.g. '{wrong[0]}'.",
            "Load it with the method and options it was trained with.",
        )
    model.load_state_dict(tensors)


def read_weights(weights: str | Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return load_file(weights)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"cannot read the weights {weights} ({error}).", "Give an undamaged .safetensors file."
        ) from error


def versions() -> dict[str, str]:
    """Versions that matter for a result."""
    packages = ("occreid", "torch", "torchvision", "timm", "numpy")
    return {"python": platform.python_version(), **{p: version(p) for p in packages}, "cuda": str(torch.version.cuda)}
