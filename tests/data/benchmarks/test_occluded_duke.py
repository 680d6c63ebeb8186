import pytest

from occreid.data import load_benchmark
from occreid.data.benchmarks._facts import WithdrawnDatasetWarning
from occreid.errors import UserError


@pytest.fixture
def root(touch, tmp_path):
    return touch(
        "bounding_box_train/0001_c2_f0046182.jpg",
        "query/0005_c2_f0046985.jpg",
        "bounding_box_test/0005_c3_f0047145.jpg",
        root=tmp_path / "Occluded_Duke",
    )


def test_queries_are_occluded_of_the_rest_nothing_is_said(root, ids_of, cameras_of):
    with pytest.warns(WithdrawnDatasetWarning, match="Occluded-DukeMTMC"):
        split = load_benchmark("occluded_duke", root.parent, strict=False)
    assert split.name == "occluded_duke" and split.same_camera == "junk"
    assert [r.occluded for r in split.query + split.gallery + split.train] == [True, None, None]
    assert ids_of(split.query) == [5] and cameras_of(split.gallery) == [2]


def test_plain_duke_is_not_taken_for_it(root, touch):
    # 16,522 training images are plain DukeMTMC-reID's; the message shows both numbers.
    with (
        pytest.warns(WithdrawnDatasetWarning),
        pytest.raises(UserError, match=r"train has 1 images .*expected 15618 of 702"),
    ):
        load_benchmark("occluded_duke", root)
