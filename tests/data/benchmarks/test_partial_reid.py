import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


@pytest.fixture
def root(touch, tmp_path):
    names = [f"{pid:03d}_{i:03d}.jpg" for pid in range(1, 61) for i in range(1, 6)]
    kinds = ("occluded", "partial", "whole")
    return touch(*(f"{kind}_body_images/{n}" for kind in kinds for n in names), root=tmp_path / "Partial_REID")


@pytest.mark.parametrize(("kind", "occluded"), [("occluded", True), ("partial", None)])
def test_the_kind_of_query_is_chosen_and_noted(root, kind, occluded, cameras_of):
    split = load_benchmark("partial_reid", root.parent, query_kind=kind)
    assert split.notes["query_kind"] == kind and split.same_camera == "keep" and split.train == ()
    assert {r.path.parent.name for r in split.query} == {f"{kind}_body_images"}
    assert {r.occluded for r in split.query} == {occluded} and {r.occluded for r in split.gallery} == {False}
    assert set(cameras_of(split.query)) == {0} and set(cameras_of(split.gallery)) == {1}
    assert split.counts()["query"] == {"images": 300, "ids": 60, "cameras": 1}


def test_only_the_chosen_kind_must_be_there(root):
    for file in (root / "partial_body_images").iterdir():
        file.unlink()
    (root / "partial_body_images").rmdir()
    assert len(load_benchmark("partial_reid", root).query) == 300
    with pytest.raises(UserError, match="partial_body_images"):
        load_benchmark("partial_reid", root, query_kind="partial")


def test_counts(root, touch):
    touch("whole_body_images/061_001.jpg", root=root)
    with pytest.raises(UserError, match="gallery has 301 images of 61 ids, expected 300 of 60"):
        load_benchmark("partial_reid", root)
