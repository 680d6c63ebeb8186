import pytest

from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, rank
from occreid.evaluation.details import intervals, natural_row, subsets, verification
from occreid.retrieval import Protocol, by_camera_pair, confidence_intervals, verify


@pytest.fixture
def described(colours, split):
    return Describer(colours, split, settings=Settings("cpu")).described()


def test_intervals_are_those_of_the_bootstrap(described):
    ranking = rank(described)
    assert intervals(ranking, 3) == confidence_intervals(ranking, seed=3)


def test_subsets_by_label_and_by_pair_of_cameras(described):
    ranking = rank(described)
    found = subsets(described, ranking)
    assert found["occlusion"]["occluded"]["queries"] == found["occlusion"]["holistic"]["queries"] == 4
    pairs = by_camera_pair(described.query, described.gallery, "euclidean")
    assert found["cameras"] == {"0 → 1": {"queries": 8, **pairs[0, 1].scores()}}


@pytest.mark.parametrize("protocol", [Protocol(shots="single"), Protocol(rerank="aqe")])
def test_pairs_of_cameras_need_the_whole_gallery_and_plain_distances(colours, split, protocol):
    described = Describer(colours, split, protocol, Settings("cpu")).described()
    assert "cameras" not in subsets(described, rank(described))


def test_verification_has_no_threshold_where_nothing_is_accepted(described):
    found, roc = verification(described), verify(described.query, described.gallery, "euclidean")
    assert found["equal_error_rate"] == roc.equal_error_rate and found["genuine_pairs"] == 8
    for far, at in found["tar_at_far"].items():
        tar, threshold = roc.true_accepts_at(float(far))
        assert at == {"tar": tar, "threshold": threshold if tar else None}


def test_natural_occluders_must_be_known(described):
    from dataclasses import replace

    with pytest.raises(UserError, match="without what hides each person"):
        natural_row(replace(described, occluders=None), "kind")
