"""Rows and conditions as Milvus takes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from occreid.errors import UserError
from occreid.gallery.filters import Filter, conditions
from occreid.names import whole_number

AHEAD = 86400  # seconds that cameras' clocks may be ahead of ours
LONGEST, PATH, TAGS = 65_535, 4096, 64
"""Bytes of a text and of a path, and tags of an entry: Milvus wants to know how long something may get."""
NUMBERS = {"person": "pid", "camera": "camid"}
"""The fields that hold whole numbers in galleries of earlier versions (`Manifest.numbered`)."""


def to_milvus(row: dict[str, Any], where: str, numbered: bool) -> dict[str, Any]:
    """A row as Milvus takes it: it keeps no bytes, so a picture becomes text.

    Args:
        row: of `occreid.gallery.rows`.
        where: the gallery, for messages.
        numbered: it is of an earlier version.

    Raises:
        UserError: something is longer than Milvus keeps, or a name that such a gallery cannot hold.
    """
    taken: bytes = row["picture"] or b""
    picture = None if row["picture"] is None else base64.b64encode(taken).decode()
    if picture is not None and len(picture) > LONGEST:
        raise UserError(
            f"the picture of {row['id']} has {len(taken):,} bytes; Milvus keeps 49,149 with an entry.",
            "Give a smaller JPEG, or only its path.",
        )
    if len(row["tags"]) > TAGS or len((row["path"] or "").encode()) > PATH:
        raise UserError(
            f"the entry {row['id']} has too many tags or too long a path for {where}.",
            f"Milvus keeps {TAGS} tags and a path of {PATH} bytes.",
        )
    made = {**row, "picture": picture}
    if numbered:
        for name, field in NUMBERS.items():
            made[field] = _number(made.pop(name), where)
    return made


def all_of(parts: Sequence[str]) -> str:
    """All conditions hold; of none, the empty text: always."""
    return " and ".join(f"({condition})" for condition in parts)


def taken_before(seconds: float) -> str:
    """Taken before a time; where that is not known, or long after the picture was added: added before it."""
    return f"time < {seconds!r} or ((time is null or time > {seconds + AHEAD!r}) and added < {seconds!r})"


def conditions_of(filter: Filter | None, numbered: bool) -> list[str]:
    """The filter in Milvus' language; ids and tags cannot hold quotes (`occreid.gallery.checks`).

    Args:
        filter: which rows.
        numbered: cameras are numbers there (`Manifest.numbered`).
    """
    return conditions(
        filter,
        lambda tag: f"array_contains(tags, '{tag}')",
        lambda column, names: f"{column} in [{', '.join(_literals(names, numbered))}]",
        lambda names: _literals(names, numbered),
        *((NUMBERS["camera"], NUMBERS["person"]) if numbered else ("camera", "person")),
    )


def _literals(names: Sequence[str], numbered: bool) -> list[str]:
    """Names as Milvus writes them; words that no field of numbers can hold are left out."""
    if numbered:
        return [name for name in names if whole_number(name) is not None]
    return [json.dumps(name, ensure_ascii=False) for name in names]


def _number(name: str | None, where: str) -> int | None:
    number = None if name is None else whole_number(name)
    if name is not None and number is None:
        raise UserError(
            f"the gallery {where} is of an earlier version, which knew persons and cameras by number: not '{name}'.",
            "Make a new one for names: occreid gallery create",
        )
    return number
