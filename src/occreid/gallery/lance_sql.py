"""Conditions on rows in the SQL that LanceDB understands."""

from __future__ import annotations

from collections.abc import Sequence

from occreid.gallery.filters import Filter, conditions

_AHEAD = 86400  # seconds that cameras' clocks may be ahead of ours


def one_of(column: str, values: Sequence[str]) -> str:
    """A column holds one of the values."""
    return f"{column} IN ({', '.join(literal(value) for value in values)})" if values else "false"


def literal(value: str) -> str:
    """A text as SQL writes it.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def all_of(conditions: Sequence[str]) -> str:
    """All conditions hold; of none, always."""
    return " AND ".join(f"({condition})" for condition in conditions) or "true"


def conditions_of(filter: Filter | None, camera: str = "camera", person: str = "person") -> list[str]:
    """A filter in LanceDB's SQL; ``camera`` and ``person`` are the columns of names, or what stands for them."""
    return conditions(
        filter,
        lambda tag: f"array_has(tags, {literal(tag)})",
        one_of,
        lambda names: [literal(name) for name in names],
        camera,
        person,
    )


def taken_before(seconds: float) -> str:
    """Taken before a time; where that is not known, or long after the picture was added: added before it."""
    return f"time < {seconds!r} OR ((time IS NULL OR time > added + {_AHEAD}) AND added < {seconds!r})"
