"""When a picture was taken: Unix seconds (UTC) as a float, checked at every entrance by one rule.

A number says nothing of its unit, and a retention deletes what it takes for old: milliseconds, a date without dashes
and the seconds of a film are therefore refused, with a question, and never guessed.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import SupportsFloat

from occreid.errors import UserError

EARLIEST = 315_532_800.0
"""1980-01-01, Unix seconds: no digital picture of a person is older."""
LATEST = 4_102_444_800.0
"""2100-01-01, Unix seconds: numbers beyond are of another unit."""

_SMALLER_UNITS = ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds"))


def check_timestamp(seconds: SupportsFloat, name: str = "timestamp") -> float:
    """Unix seconds as a Python float, if they can be meant as such.

    Args:
        seconds: any real number, numpy's too.
        name: what the error calls it.

    Raises:
        UserError: not in 1980…2100; the hint asks for the unit that would fit.

    >>> check_timestamp(1_763_730_000)
    1763730000.0
    """
    value = plain_number(seconds)
    if EARLIEST <= value < LATEST:
        return value
    raise UserError(f"the {name} {value:.15g} is not Unix seconds of 1980 to 2100.", _question(value))


def parse_timestamp(text: str, name: str = "timestamp") -> float:
    """Unix seconds of ``2026-03-01``, ``2026-03-01T08:00`` (UTC unless it names its zone), or of Unix seconds.

    Raises:
        UserError: none of these, or not in 1980…2100.

    >>> parse_timestamp("2026-03-01"), parse_timestamp("2026-03-01T01:00+01:00"), parse_timestamp("1772323200.5")
    (1772323200.0, 1772323200.0, 1772323200.5)
    """
    try:
        return check_timestamp(float(text), name)
    except ValueError:
        pass  # no number: a date
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"the {name} '{text[:60]}' is not a moment.", "For example: 2026-03-01T08:00") from error
    return check_timestamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), name)


def show_timestamp(seconds: float) -> str:
    """A timestamp for people, to the minute.

    >>> show_timestamp(1772352000.0)
    '2026-03-01 08:00 UTC'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def plain_number(seconds: SupportsFloat) -> float:
    """A Python float of any real number; infinity of a whole number beyond all floats.

    Raises:
        UserError: a text or a date, which is no number.

    >>> plain_number(10**400)
    inf
    """
    if isinstance(seconds, str | bytes) or not isinstance(seconds, SupportsFloat):
        raise UserError(
            f"{str(seconds)[:60]!r} is no number of Unix seconds.",
            "Texts are read by occreid.timestamps.parse_timestamp(text); of a datetime give .timestamp().",
        )
    try:
        return float(seconds)
    except OverflowError:
        return math.inf


def _question(value: float) -> str:
    """What the number may have been meant as."""
    if not math.isfinite(value):
        return "Leave it out where it is not known."
    for factor, unit in _SMALLER_UNITS:
        if EARLIEST <= value / factor < LATEST:
            return f"Are these {unit}? Then give {value / factor:.15g}."
    digits = f"{value:.0f}" if value == int(value) else ""
    for form, shown in (("%Y", "%Y-%m-%d"), ("%Y%m%d", "%Y-%m-%d"), ("%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S")):
        try:
            meant = datetime.strptime(digits, form)
        except ValueError:
            continue
        if len(digits) in (4, 8, 14) and 1980 <= meant.year < 2100:
            return f"Is it a {'year' if form == '%Y' else 'date without dashes'}? Then write {meant.strftime(shown)}."
    if 0 <= value < EARLIEST:
        return "Are these seconds since the start of a film? Then add the Unix seconds of its start, or leave it out."
    return "Give Unix seconds (UTC), e.g. 1763730000 for 2025-11-21T13:00."
