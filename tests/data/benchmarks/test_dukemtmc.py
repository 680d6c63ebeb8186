import pytest

from occreid.data import load_benchmark
from occreid.data.benchmarks._facts import WithdrawnDatasetWarning
from occreid.errors import UserError


@pytest.fixture
def duke(touch, tmp_path):
    return touch(
        "bounding_box_train/0001_c2_f0046182.jpg",
        "bounding_box_train/0003_c8_f0046302.jpg",
        "query/0005_c2_f0046985.jpg",
        "bounding_box_test/0005_c3_f0047145.jpg",
        "bounding_box_test/7139_c1_f0012345.jpg",
        root=tmp_path / "DukeMTMC-reID",
    )


def test_records_and_the_warning(duke, ids_of, cameras_of):
    with pytest.warns(WithdrawnDatasetWarning, match="DukeMTMC-reID"):
        split = load_benchmark("dukemtmc", duke.parent, strict=False)
    assert ids_of(split.train) == [1, 3] and cameras_of(split.train) == [1, 7]
    assert ids_of(split.query) == [5]
    assert ids_of(split.gallery) == [5, 7139], "ids without a query are ordinary ids"
    assert split.distractor_pids == frozenset() and split.counts()["gallery"]["ids"] == 2
    assert split.same_camera == "junk" and {r.occluded for r in split.query} == {None}


def test_the_warning_can_be_made_an_error(duke):
    with pytest.raises(WithdrawnDatasetWarning):
        load_benchmark("dukemtmc", duke, strict=False)


def test_market_names_are_refused(duke, touch):
    touch("query/0001_c1s1_001051_00.jpg", root=duke)
    with pytest.warns(WithdrawnDatasetWarning), pytest.raises(UserError, match=r"query/0001_c1s1_001051_00.jpg"):
        load_benchmark("dukemtmc", duke)


def test_other_counts_are_an_error(duke):
    with (
        pytest.warns(WithdrawnDatasetWarning),
        pytest.raises(UserError, match=r"query has 1 images of 1 ids, exp.* 2228"),
    ):
        load_benchmark("dukemtmc", duke)


def test_no_folder_no_warning(tmp_path):
    with pytest.raises(UserError, match="usually called DukeMTMC-reID"):
        load_benchmark("dukemtmc", tmp_path)
