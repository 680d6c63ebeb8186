import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery.checks import check_fits, checked_ids, checked_tags, checked_time


def test_tags_are_sorted_and_single():
    assert checked_tags(["b", "a", "b", "Tür 2"]) == ("Tür 2", "a", "b")


@pytest.mark.parametrize("name", ["", "a b", "it's", "x" * 129, "a\n", "é"])
def test_what_is_no_id_is_named(name):
    with pytest.raises(UserError, match="is not an id"):
        checked_ids(["fine/1.jpg", name])


def test_numbers_are_pythons_and_fit():
    assert type(check_fits("pid", np.int64(5))) is int and type(checked_time(np.float32(0.5))) is float
    with pytest.raises(UserError, match="does not fit 64 bits"):
        check_fits("pid", 2**63)
    for seconds in (-1.0, 1e12, float("nan"), 10**400):
        with pytest.raises(UserError, match="not Unix seconds up to 2100"):
            checked_time(seconds)
