"""Models by name or file: registry, weights and cards, exported models. `contract` is what they fulfil."""

from occreid.models.contract import Method, PartParser, Stage, Trainable
from occreid.models.registry import create_model, create_trainable, list_methods, method_options
from occreid.models.weights import (
    load_masker,
    load_model,
    load_parser,
    load_trained,
    load_weights,
    read_card,
    save_model,
)

__all__ = [
    "Method",
    "PartParser",
    "Stage",
    "Trainable",
    "create_model",
    "create_trainable",
    "list_methods",
    "load_masker",
    "load_model",
    "load_parser",
    "load_trained",
    "load_weights",
    "method_options",
    "read_card",
    "save_model",
]
