from collections import Counter

import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def load(root, **options):
    return load_benchmark("market1501", root, strict=False, **options)


def test_records_distractors_and_junk(market, ids_of, cameras_of):
    split = load(market)
    assert split.name == "market1501" and split.same_camera == "junk"
    assert ids_of(split.train) == [2, 2, 7] and cameras_of(split.train) == [0, 1, 5]
    assert ids_of(split.query) == [1]
    assert ids_of(split.gallery) == [0, 1], "distractors stay, junk goes"
    assert split.distractor_pids == {0} and split.notes["junk_dropped"] == "1"
    assert split.counts()["gallery"] == {"images": 2, "ids": 1, "cameras": 2}
    assert [record.camera_name for record in split.train] == ["1", "2", "6"], "cameras are called as files call them"
    assert split.train[0].path == market / "bounding_box_train/0002_c1s1_000451_03.jpg"


def test_the_parent_folder_does(market):
    assert load(market.parent) == load(market)


def test_order_does_not_depend_on_the_file_system(market, backwards):
    before = load(market)
    backwards()
    assert load(market) == before


def test_a_folder_name_never_changes_an_id(market, ids_of):
    moved = market.rename(market.parent / "run-3_c7s1_x")
    assert ids_of(load(moved).train) == [2, 2, 7]


def test_other_counts_are_an_error_that_names_them(market):
    with pytest.raises(UserError, match="train has 3 images of 2 ids, expected 12936 of 751"):
        load_benchmark("market1501", market)


def test_misnamed_and_foreign_files(market, touch):
    touch("query/notes.txt", "query/Thumbs.db", "query/._0001_c1s1_001051_00.jpg", root=market)
    touch("__MACOSX/query/0001_c1s1_1_0.jpg", root=market)
    assert "skipped" not in load(market).notes
    touch("query/0001-copy.jpg", "query/0001_c1_f001.jpg", root=market)
    with pytest.raises(UserError, match=r"2 image files .*query/0001-copy.jpg, .*query/0001_c1_f001.jpg"):
        load_benchmark("market1501", market)
    split = load(market)
    assert len(split.query) == 1 and "0001-copy.jpg" in split.notes["skipped"]


def test_a_missing_or_empty_part_is_refused(market):
    for file in (market / "query").iterdir():
        file.unlink()
    with pytest.raises(UserError, match=r"no image in .*query"):
        load(market)
    (market / "query").rmdir()
    with pytest.raises(UserError, match="does not hold the folders"):
        load(market)


def test_the_half_million_distractors(market, touch, ids_of):
    with pytest.raises(UserError, match="images"):
        load(market, distractors_500k=True)
    touch("images/0000_c1s1_000001_00.jpg", "images/0000_c2s1_000001_00.jpg", root=market)
    split = load(market, distractors_500k=True)
    assert Counter(ids_of(split.gallery)) == {0: 3, 1: 1}
    assert split.notes["gallery"] == "with the 500k distractors" and "gallery has" not in split.notes["counts"]
    assert [r.path for r in split.gallery] == sorted(r.path for r in split.gallery)
