import pytest

from occreid.errors import UserError
from occreid.gallery import Filter
from occreid.gallery.milvus_sql import all_of, conditions_of, taken_before, to_milvus

ROW = {"id": "a", "picture": b"\xff", "tags": [], "path": None, "person": "zoe", "camera": "2"}


def test_a_filter_in_milvus_language():
    filter = Filter(camids=(1, 'the "door"'), start=1.5, end=2.5, tags=("a b",), exclude_camid="hall")
    assert all_of(conditions_of(filter, numbered=False)) == (
        '(array_contains(tags, \'a b\')) and (camera in ["1", "the \\"door\\""]) and (time >= 1.5)'
        ' and (time < 2.5) and (camera is null or camera != "hall")'
    )
    assert all_of(conditions_of(None, numbered=False)) == ""
    assert taken_before(5.0).startswith("time < 5.0 or")


def test_where_names_are_numbers_words_are_nobodys():
    filter = Filter(camids=(1, "door"), exclude_camid="hall")
    assert conditions_of(filter, numbered=True) == ["camid in [1]"]
    assert conditions_of(Filter(exclude_camid=3), numbered=True) == ["camid is null or camid != 3"]


def test_a_row_is_text_and_numbers_only_where_it_must_be():
    assert to_milvus(ROW, "here", numbered=False) == {**ROW, "picture": "/w=="}
    made = to_milvus({**ROW, "person": None}, "here", numbered=True)
    assert (made["pid"], made["camid"]) == (None, 2) and "camera" not in made
    with pytest.raises(UserError, match="here is of an earlier version"):
        to_milvus(ROW, "here", numbered=True)
