import pytest

from occreid.errors import UserError
from occreid.names import checked_tags, name_order, plain_name, whole_number


@pytest.mark.parametrize(
    ("given", "plain"),
    [("door", "door"), (" door ", "door"), ("007", "7"), ("1.0", "1"), (-1, "-1"), ("1.5", "1.5"), ("A\u0308", "\xc4")],
)
def test_a_name_has_one_spelling(given, plain):
    assert plain_name(given) == plain and plain_name(plain) == plain


def test_whole_numbers_are_known_however_they_are_spelt():
    assert [whole_number(text) for text in ("12", "+3", "4.", "4.00", "4.5", "", "c4")] == [
        12,
        3,
        4,
        4,
        None,
        None,
        None,
    ]


def test_numbers_come_in_their_order_before_words():
    assert sorted(["hall", "10", "9", "Door"], key=name_order) == ["9", "10", "Door", "hall"]


def test_tags_are_sorted_and_single():
    assert checked_tags(["b", "a", "b", "Tür 2"]) == ("Tür 2", "a", "b")
    for tags, problem in ((["a", "b!"], "'b!' is not a tag"), ("staff", "are one text")):
        with pytest.raises(UserError, match=problem):
            checked_tags(tags)
