from datetime import UTC, datetime

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.timestamps import EARLIEST, LATEST, check_timestamp, parse_timestamp


@pytest.mark.parametrize("seconds", [EARLIEST, 1_763_730_000, np.float64(1.7e9), np.int64(1_700_000_000), LATEST - 1])
def test_unix_seconds_become_a_python_float(seconds):
    found = check_timestamp(seconds)
    assert type(found) is float and found == float(seconds)


@pytest.mark.parametrize(
    ("number", "question"),
    [
        (1_763_730_000_000, r"milliseconds\? Then give 1763730000\."),
        (1_763_730_000_123_456, r"microseconds\? Then give 1763730000\.12346"),
        (1_763_730_000_000_000_000, r"nanoseconds\? Then give 1763730000\."),
        (20260301, r"date without dashes\? Then write 2026-03-01\."),
        (20260301080000, r"date without dashes\? Then write 2026-03-01T08:00:00\."),
        (2026, r"a year\? Then write 2026-01-01\."),
        (40.5, "start of a film"),
        (EARLIEST - 1, "start of a film"),
        (20261301, "start of a film"),
        (-5.0, "Give Unix seconds"),
        (LATEST, "Give Unix seconds"),
        (1e300, "Give Unix seconds"),
        (float("nan"), "not known"),
        (float("inf"), "not known"),
        (10**400, "not known"),
    ],
)
def test_other_units_are_refused_with_a_question(number, question):
    with pytest.raises(UserError, match=question):
        check_timestamp(number)


@pytest.mark.parametrize("text", ["20260301", "2026", "1763730000000", "nan", "1e300", "1970-01-02", "2100-01-01"])
def test_text_is_held_to_the_same_rule(text):
    with pytest.raises(UserError, match=r"the end .* is not Unix seconds of 1980 to 2100"):
        parse_timestamp(text, "end")


@pytest.mark.parametrize("given", ["2026", b"2026", datetime(2026, 3, 1, tzinfo=UTC), None])
def test_texts_and_dates_are_no_seconds(given):
    with pytest.raises(UserError, match=r"is no number of Unix seconds\. Texts are read by"):
        check_timestamp(given)


def test_dates_are_utc_unless_they_name_their_zone():
    assert parse_timestamp("20260301T0800") == parse_timestamp("2026-03-01T09:00+01:00") == 1772352000.0
    with pytest.raises(UserError, match="'yesterday' is not a moment"):
        parse_timestamp("yesterday")
