import re

import pytest

from occreid.data.benchmarks._market import Names, market_folders
from occreid.errors import UserError

PATTERN = re.compile(r"(?P<pid>-?\d+)_c(?P<camid>\d+)_.*")


def test_ids_and_zero_based_cameras(touch, ids_of, cameras_of):
    names = Names(PATTERN)
    records = names.read(touch("0007_c3_a.jpg", "0002_c1_b.png", "sub/0009_c12_c.tif"), occluded=True)
    assert ids_of(records) == [2, 7, 9] and cameras_of(records) == [0, 2, 11]
    assert {r.occluded for r in records} == {True} and names.notes() == {}


def test_the_path_is_never_read(touch, tmp_path, ids_of, cameras_of):
    root = touch("0005_c2_a.jpg", root=tmp_path / "run-3_c7_x" / "9_c9_y")
    records = Names(PATTERN).read(root)
    assert ids_of(records) == [5] and cameras_of(records) == [1]


def test_junk_is_dropped_and_counted(touch, ids_of):
    names = Names(PATTERN)
    assert ids_of(names.read(touch("-1_c1_a.jpg", "-1_c2_a.jpg", "0000_c1_a.jpg"))) == [0]
    assert names.junk == 2 and names.notes() == {"junk_dropped": "2"} and names.skipped == []


@pytest.mark.parametrize("bad", ["x0002_c1_a.jpg", "0002.jpg", "0002_c0_a.jpg", "-2_c1_a.jpg", "0002_c1s1.jpg"])
def test_misnamed_files_are_remembered(touch, bad, ids_of):
    names = Names(PATTERN)
    root = touch("0004_c1_a.jpg", bad)
    assert ids_of(names.read(root)) == [4] and names.skipped == [root / bad]


def test_a_first_camera_of_zero(touch, cameras_of):
    assert cameras_of(Names(PATTERN, first_camera=0).read(touch("0004_c0_a.jpg"))) == [0]


def test_no_fitting_name_at_all(touch):
    with pytest.raises(UserError, match=r"no image in .* has a name with an id and a camera; the first is a.jpg"):
        Names(PATTERN).read(touch("a.jpg", "b.jpg"))


def test_folders(market):
    assert market_folders(market, ())["gallery"] == market / "bounding_box_test"
    with pytest.raises(UserError, match="bounding_box_train; query; bounding_box_test"):
        market_folders(market / "query", ())
