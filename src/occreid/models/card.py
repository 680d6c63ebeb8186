"""What a card must be, whoever wrote it: looked at once, where it is read, so that nothing odd gets further."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from occreid.distances import METRICS
from occreid.errors import UserError

RESTORE = "Restore it from where the model came."
_MOST = 10_000  # pixels of a side
_CLASSES = 10**7


def _whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(type(one) in (int, float) and math.isfinite(one) for one in value)
    )


def _names_parser(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("provider", "sha256"))


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "method": (lambda value: isinstance(value, str) and value != "", "a name"),
    "options": (lambda value: isinstance(value, dict), "a table"),
    "num_classes": (lambda value: _whole(value, 0, _CLASSES), "a number of persons"),
    "input_size": (
        lambda value: isinstance(value, list) and len(value) == 2 and all(_whole(side, 1, _MOST) for side in value),
        "height and width in pixels",
    ),
    "pixel_mean": (_numbers, "three numbers"),
    "pixel_std": (_numbers, "three numbers"),
    "sha256": (lambda value: isinstance(value, str), "a hash"),
    "flip_test": (lambda value: isinstance(value, bool), "true or false"),
    "masker": (_names_parser, "a parser's provider and sha256"),
    "metric": (lambda value: value in METRICS if isinstance(value, str) else False, f"one of {', '.join(METRICS)}"),
    "parameters": (lambda value: _whole(value, 0, 2**60), "a number"),
    "interface": (lambda value: isinstance(value, dict), "a table"),
}


def checked_card(card: Any, where: str, needed: Sequence[str]) -> dict[str, Any]:
    """A card as it was read from a file, if it can be one.

    Args:
        card: what the file holds.
        where: the card in words, for errors, e.g. ``"the card runs/a/model.json"``.
        needed: keys it must have.

    Raises:
        UserError: no table, a key is missing, or a value is of another kind (the first is named).

    >>> checked_card({"input_size": [256, 128]}, "the card", ["input_size"])
    {'input_size': [256, 128]}
    """
    if not isinstance(card, dict):
        raise UserError(f"{where} is no table of keys and values.", RESTORE)
    for key in needed:
        if key not in card:
            raise UserError(f"{where} has no '{key}'.", RESTORE)
    for key, (right, kind) in _KINDS.items():
        if key in card and not right(card[key]):
            raise UserError(f"{where} says {key} {str(card[key])[:60]!r}, which should be {kind}.", RESTORE)
    return card
