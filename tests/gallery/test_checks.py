import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery.checks import checked_ids, checked_name, checked_time, name_or_none


@pytest.mark.parametrize("name", ["", "a b", "it's", "x" * 129, "a\n", "é"])
def test_what_is_no_id_is_named(name):
    with pytest.raises(UserError, match="is not an id"):
        checked_ids(["fine/1.jpg", name])


@pytest.mark.parametrize(
    ("ids", "problem"), [("abc", "the ids 'abc' are one text"), (["a", None], "None is not an id")]
)
def test_one_text_is_no_list_of_ids(ids, problem):
    with pytest.raises(UserError, match=problem):
        checked_ids(ids)


def test_names_are_words_or_numbers_in_one_spelling():
    assert [checked_name("camera", name) for name in (np.int64(5), "05", "Tu\u0308r ")] == ["5", "5", "T\xfcr"]
    assert name_or_none("camera", "") is None and name_or_none("person", "zoe") == "zoe"
    for name in ("", " ", "a\0", "x" * 129, "two\nlines"):
        with pytest.raises(UserError, match="is no name of a person"):
            checked_name("person", name)


def test_times_are_pythons_and_plausible():
    assert type(checked_time(np.float32(0.5))) is float
    for seconds in (-1.0, 1e12, float("nan"), 10**400):
        with pytest.raises(UserError, match="not Unix seconds up to 2100"):
            checked_time(seconds)
