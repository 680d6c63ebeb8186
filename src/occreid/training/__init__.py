"""Training: the recipe schema, schedules and the Lightning loop. Names below are imported only when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from occreid.training.recipe import Recipe as Recipe
    from occreid.training.recipe_files import list_recipes as list_recipes
    from occreid.training.recipe_files import load_recipe as load_recipe
    from occreid.training.run import resume as resume
    from occreid.training.run import train as train

_HOMES = {
    "Recipe": "occreid.training.recipe",
    "list_recipes": "occreid.training.recipe_files",
    "load_recipe": "occreid.training.recipe_files",
    "resume": "occreid.training.run",
    "train": "occreid.training.run",
}
__all__ = ["Recipe", "list_recipes", "load_recipe", "resume", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'occreid.training' has no attribute '{name}'")


def __dir__() -> list[str]:
    return list(__all__)
