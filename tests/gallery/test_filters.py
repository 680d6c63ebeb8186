import math

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery import Filter


def test_a_filter_is_plain_and_says_what_cannot_be():
    assert Filter(camids=[3, 1, 3], tags=["b", "a"]) == Filter(camids=(1, 3), tags=("a", "b"))
    for options, message in (
        ({"start": 2.0, "end": 2.0}, "no time lies from 2.0 to 2.0"),
        ({"end": math.inf}, "inf is not Unix seconds"),
        ({"tags": ("'",)}, "is not a tag"),
        ({"exclude_camid": "mine"}, "no camera 'mine'"),
        ({"exclude_camid": 2**63}, "the camera 9223372036854775808 does not fit 64 bits"),
        ({"camids": (1, -(2**63))}, "the camera -9223372036854775808 does not fit 64 bits"),
    ):
        with pytest.raises(UserError, match=message):
            Filter(**options)


def test_numbers_of_numpy_become_pythons():
    found = Filter(camids=np.array([2, 1]), start=np.float64(5), exclude_camid=np.int64(3))
    assert repr(found) == "Filter(camids=(1, 2), start=5.0, end=None, tags=(), exclude_camid=3)"


def test_milliseconds_are_no_range():
    with pytest.raises(UserError, match="the start 1763730000000 is not Unix seconds"):
        Filter(start=1_763_730_000_000)
