"""What a person or a camera is called: the word it came with, whole numbers in one spelling.

A number that a program counts by (`Record.pid`, `Record.camid`) is private to one benchmark; the name is what a person
typed, reads and filters by, and what a gallery keeps. Tags are words besides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from occreid.errors import UserError

_TAG = re.compile(r"[\w.:/@+-][\w .:/@+-]{0,63}")
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")


def whole_number(text: str) -> int | None:
    """The whole number that a text is, however it is spelt, or None.

    >>> whole_number("0012"), whole_number("3.0"), whole_number("c3")
    (12, 3, None)
    """
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def plain_name(name: str | int) -> str:
    """One spelling of each name: "01" and "1.0" (as pandas writes 1 beside an empty cell) are "1"; words are in NFC.

    >>> plain_name("01"), plain_name(7), plain_name(" front door ")
    ('1', '7', 'front door')
    """
    text = unicodedata.normalize("NFC", str(name)).strip()
    number = whole_number(text)
    return text if number is None else str(number)


def name_order(name: str) -> tuple[int, int, str]:
    """A key that sorts names as people do: numbers by their size, then words.

    >>> sorted(["hall", "10", "9"], key=name_order)
    ['9', '10', 'hall']
    """
    number = whole_number(name)
    return (1, 0, name) if number is None else (0, number, name)


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags, sorted, each once.

    Raises:
        UserError: naming the first that is not a tag.
    """
    if isinstance(tags, str):
        raise UserError(f"the tags {tags!r} are one text.", f"Give several in a tuple: ({tags!r},)")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UserError(f"{tag[:60]!r} is not a tag.", "Tags are 1 to 64 letters, digits, blanks and _.:/@+-")
    return tuple(sorted(set(tags)))
