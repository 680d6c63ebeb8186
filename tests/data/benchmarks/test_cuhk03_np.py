import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


@pytest.fixture
def root(touch, tmp_path):
    parts = ("bounding_box_train/0003_c2_7.png", "query/0001_c1_1.png", "bounding_box_test/0001_c2_9.png")
    touch(*(f"labeled/{name}" for name in parts), root=tmp_path / "cuhk03-np")
    touch(*(f"detected/{name}" for name in parts), "detected/query/0002_c2_1.png", root=tmp_path / "cuhk03-np")
    return tmp_path / "cuhk03-np"


@pytest.mark.parametrize(("boxes", "queries"), [("labeled", [1]), ("detected", [1, 2])])
def test_the_boxes_are_chosen_and_noted(root, boxes, queries, ids_of, cameras_of):
    for place in (root, root.parent):
        split = load_benchmark("cuhk03_np", place, boxes=boxes, strict=False)
        assert ids_of(split.query) == queries and split.notes["boxes"] == boxes
        assert ids_of(split.train) == [3] and cameras_of(split.gallery) == [1]
        assert f"/{boxes}/" in split.train[0].path.as_posix()


def test_each_kind_has_its_own_counts(root):
    with pytest.raises(UserError, match=r"expected 7368 of 767.*expected 5328"):
        load_benchmark("cuhk03_np", root, boxes="labeled")
    with pytest.raises(UserError, match=r"expected 7365 of 767.*expected 5332"):
        load_benchmark("cuhk03_np", root, boxes="detected")


def test_a_missing_kind_is_named(touch, tmp_path):
    touch("labeled/query/0001_c1_1.png")
    with pytest.raises(UserError, match="detected/bounding_box_train"):
        load_benchmark("cuhk03_np", tmp_path)
