"""Methods: one file per paper. The file name is the registration; a method is imported only when asked for."""

from occreid.methods.base import Method, Stage
from occreid.methods.registry import create_model, list_methods, method_options
from occreid.methods.weights import load_model, load_weights, read_card, save_model

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
