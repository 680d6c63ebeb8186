"""What may be kept in a gallery: ids, names and times that every store can hold and find again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from occreid.errors import UserError
from occreid.names import plain_name
from occreid.timestamps import LATEST, plain_number

_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
NAME_LENGTH = 128
"""Characters of a person's or camera's name, at most."""


def checked_time(seconds: float, name: str = "timestamp") -> float:
    """A time as a Python float that a store can keep and compare.

    What a person, file or client gives is held to more, `occreid.timestamps.check_timestamp`, before it comes here.

    Raises:
        UserError: it is NaN or infinite, negative, or beyond 2100, where other units lie.
    """
    value = plain_number(seconds)
    if not 0 <= value < LATEST:
        raise UserError(f"the {name} {value:.15g} is not Unix seconds up to 2100.", "Leave it out where it is unknown.")
    return value


def checked_name(kind: str, name: str | int) -> str:
    """What a person or camera is called, in the one spelling that galleries keep (`occreid.names.plain_name`).

    Args:
        kind: ``"person"`` or ``"camera"``, for the message.
        name: a word or a number.

    Raises:
        UserError: it is empty, too long, or holds what cannot be printed.
    """
    plain = plain_name(name)
    if not 0 < len(plain) <= NAME_LENGTH or not plain.isprintable():
        raise UserError(
            f"{plain[:60]!r} is no name of a {kind}.",
            f"Names are 1 to {NAME_LENGTH} printable characters, or a number.",
        )
    return plain


def name_or_none(kind: str, name: str | int | None) -> str | None:
    """`checked_name` of what may not be known: None, and the empty text of a form's field.

    Raises:
        UserError: as there.
    """
    return None if name is None or not str(name).strip() else checked_name(kind, name)


def checked_ids(ids: Sequence[str]) -> list[str]:
    """The ids, if each is one.

    Raises:
        UserError: naming the first that is not.
    """
    if isinstance(ids, str):
        raise UserError(f"the ids {ids[:60]!r} are one text.", f"Give several in a list: [{ids[:60]!r}]")
    for name in ids:
        if not isinstance(name, str):
            raise UserError(f"{name!r} is not an id.", "Ids are texts.")
        if not _ID.fullmatch(name):
            raise UserError(
                f"{name[:60]!r} is not an id.", "Ids are 1 to 128 letters without accents, digits and ._:/@+-"
            )
    return list(ids)
