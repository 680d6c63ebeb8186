from pathlib import Path

import pytest

from occreid.data.benchmarks._labels import numbered
from occreid.data.table import Row
from occreid.errors import UserError


def rows(*pairs):
    return [Row(Path(f"{i}.jpg"), "train", pid, camera) for i, (pid, camera) in enumerate(pairs)]


def ids(result):
    return [record.pid for _, record in result.records]


def cameras(result):
    return [record.camid for _, record in result.records]


def test_whole_numbers_stay_ids_and_cameras_become_zero_based():
    result = numbered(rows(("0007", "3"), ("12", "1"), ("7", "03")))
    assert ids(result) == [7, 12, 7]
    assert cameras(result) == [1, 0, 1], "3 and 03 are the same camera"
    assert result.notes == {"cameras": "1=0, 3=1"}


def test_words_are_numbered_in_sorted_order_whatever_the_order_of_rows():
    given = rows(("eve", "hall"), ("adam", "door"), ("eve", "door"))
    result = numbered(given)
    assert ids(result) == [1, 0, 1] and cameras(result) == [1, 0, 0]
    assert result.notes == {"cameras": "door=0, hall=1", "ids": "adam=0, eve=1"}
    assert numbered(given[::-1]).pids == result.pids


def test_words_stay_with_each_record_as_its_names():
    result = numbered(rows(("eve", "hall"), ("adam", "07")))
    names = [(record.person_name, record.camera_name) for _, record in result.records]
    assert names == [("eve", "hall"), ("adam", "7")]
    unknown = numbered([Row(Path("a.jpg"), "query", "01")]).records[0][1]
    assert (unknown.person_name, unknown.camera_name) == ("1", None)


def test_cameras_sort_as_numbers_not_as_text():
    assert cameras(numbered(rows(("1", "10"), ("1", "9")))) == [1, 0]


def test_one_word_among_numbers_makes_all_ids_words():
    assert ids(numbered(rows(("10", None), ("9", None), ("x", None)))) == [0, 1, 2]


def test_without_cameras_all_are_zero_and_nothing_is_noted():
    result = numbered(rows(("1", None), ("2", "")))
    assert cameras(result) == [0, 0] and result.notes == {}


def test_junk_is_dropped_and_counted():
    result = numbered(rows(("-1", "1"), ("0", "1")))
    assert ids(result) == [0] and result.notes["junk_dropped"] == "1"


def test_a_long_legend_is_cut():
    assert numbered(rows(*((f"p{i:03d}", None) for i in range(50)))).notes["ids"].endswith("p019=19, …")


def test_a_camera_for_some_only():
    with pytest.raises(UserError, match=r"1 of 2 images have no camera, the first is 1.jpg"):
        numbered(rows(("1", "1"), ("2", None)))


def test_an_id_below_minus_one():
    with pytest.raises(UserError, match=r"0.jpg has the id -2"):
        numbered(rows(("-2", None)))


def test_the_number_of_an_id_as_it_was_written():
    assert numbered(rows(("0007", None))).pid("7") == 7 == numbered(rows(("0007", None))).pid("0007")
    assert numbered(rows(("eve", None), ("adam", None))).pid("eve") == 1
    with pytest.raises(UserError, match=r"no image has the id ewe. Did you mean 'eve'\?"):
        numbered(rows(("eve", None))).pid("ewe")


@pytest.mark.parametrize("junk", ["-1", "-1.0", "-01"])
def test_junk_is_junk_among_words_and_however_it_is_spelt(junk):
    for person, number in (("anna", 0), ("7", 7), ("7.0", 7)):
        found = numbered([Row(Path("a"), "query", person, "1"), Row(Path("b"), "gallery", junk, "2")])
        assert [(part, r.pid, r.camid) for part, r in found.records] == [("query", number, 0)]
        assert found.notes["junk_dropped"] == "1"


def test_one_number_is_one_id_and_one_camera_in_every_spelling():
    rows = [
        Row(Path(str(i)), "query", pid, cam) for i, (pid, cam) in enumerate((("1", "2.0"), ("1.0", "2"), ("01", "02")))
    ]
    assert {(r.pid, r.camid) for _, r in numbered(rows).records} == {(1, 0)}
    mixed = numbered([*rows, Row(Path("x"), "query", "anna", "door")])
    assert {(r.pid, r.camid) for _, r in mixed.records} == {(0, 0), (1, 1)} and mixed.pid("1.0") == 0
    assert mixed.notes["ids"] == "1=0, anna=1"


def test_a_number_beyond_64_bits_is_a_word():
    rows = [Row(Path(str(i)), "query", pid, "1") for i, pid in enumerate(("20260301083015123456", "7"))]
    assert [r.pid for _, r in numbered(rows).records] == [0, 1]
    rows[0] = Row(Path("0"), "query", str(2**63 - 1), "1")
    assert [r.pid for _, r in numbered(rows).records] == [2**63 - 1, 7]


def test_ids_below_junk_are_refused_among_words_too():
    with pytest.raises(UserError, match="has the id -2"):
        numbered([Row(Path("a"), "query", "anna", "1"), Row(Path("b"), "query", "-2", "1")])
