"""occreid: occluded person re-identification. Names below are imported only when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from occreid.descriptors import Descriptors as Descriptors
    from occreid.errors import UserError as UserError
    from occreid.evaluation import measure as measure
    from occreid.gallery import Gallery as Gallery
    from occreid.gallery import search as search
    from occreid.models import create_model as create_model
    from occreid.models import list_methods as list_methods
    from occreid.models import load_model as load_model
    from occreid.records import Record as Record
    from occreid.retrieval import evaluate as evaluate

__version__ = "0.2.0"

_HOMES = {
    "Descriptors": "occreid.descriptors",
    "Gallery": "occreid.gallery",
    "Record": "occreid.records",
    "UserError": "occreid.errors",
    "create_model": "occreid.models",
    "evaluate": "occreid.retrieval",
    "list_methods": "occreid.models",
    "load_model": "occreid.models",
    "measure": "occreid.evaluation",
    "search": "occreid.gallery",
}
__all__ = [
    "Descriptors",
    "Gallery",
    "Record",
    "UserError",
    "create_model",
    "evaluate",
    "list_methods",
    "load_model",
    "measure",
    "search",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'occreid' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
