import math

from occreid.gallery import Filter
from occreid.serve.answers import compared, filter_facts


def test_pictures_without_a_common_part_have_no_distance():
    found = compared(math.inf, "cosine", None, ([True], [False]))
    assert found.distance is None and found.score is None and "no part" in found.message


def test_a_filters_conditions_are_logged_and_nothing_else():
    assert filter_facts(None) == filter_facts(Filter()) == {}
    found = filter_facts(Filter(camids=(1,), start=5.0, tags=("a",), exclude_camid=2))
    assert found == {"camids": ("1",), "start": 5.0, "tags": ["a"], "exclude_camid": "2"}
