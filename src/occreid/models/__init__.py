"""Models by name or file: registry, weights and cards, exported models. `contract` is what every method fulfils."""

from occreid.models.contract import Method, Stage
from occreid.models.registry import create_model, list_methods, method_options
from occreid.models.weights import load_model, load_weights, read_card, save_model

__all__ = [
    "Method",
    "Stage",
    "create_model",
    "list_methods",
    "load_model",
    "load_weights",
    "method_options",
    "read_card",
    "save_model",
]
