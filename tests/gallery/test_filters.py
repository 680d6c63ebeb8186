import math

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.gallery.filters import check_deletion, conditions, require_filter


def test_a_filter_is_plain_and_says_what_cannot_be():
    assert Filter(camids=[3, 1, 3], tags=["b", "a"]) == Filter(camids=(1, 3), tags=("a", "b"))
    for options, message in (
        ({"start": 2.0, "end": 2.0}, "no time lies from 2.0 to 2.0"),
        ({"end": math.inf}, "inf is not Unix seconds"),
        ({"tags": ("'",)}, "is not a tag"),
        ({"exclude_camid": " "}, "'' is no name of a camera"),
        ({"camids": "door"}, r"the camids 'door' are one camera\. Give several in a tuple: \('door',\)"),
        ({"pids": 12}, "the pids 12 are one person"),
        ({"start": "2026-01-01"}, "'2026-01-01' is no number of Unix seconds"),
        ({"camids": ("door", "a\nb")}, r"'a\\nb' is no name of a camera"),
    ):
        with pytest.raises(UserError, match=message):
            Filter(**options)


def test_numbers_are_names_in_their_order():
    found = Filter(camids=("hall", *np.array([10, 9])), start=np.float64(5), exclude_camid=np.int64(3))
    assert found.camids == ("9", "10", "hall") and found.exclude_camid == "3" and repr(found.start) == "5.0"


def test_milliseconds_are_no_range():
    with pytest.raises(UserError, match="the start 1763730000000 is not Unix seconds"):
        Filter(start=1_763_730_000_000)


def test_what_is_no_filter_is_named():
    for call in (
        require_filter,
        lambda given: check_deletion(["a"], None, given),
        lambda given: conditions(given, str, str, list),
    ):
        with pytest.raises(UserError, match=r"\{'camids': \('door',\)\} is no filter"):
            call({"camids": ("door",)})
