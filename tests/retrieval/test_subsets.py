from pathlib import Path

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.records import Record
from occreid.retrieval import by_camera_pair, by_subset, evaluate, query_labels


def record(**facts):
    return Record(Path("x.jpg"), 1, 0, **facts)


def test_labels_of_what_the_records_carry():
    records = [
        record(occluded=True, occluder_kind="car", visibility=(1.0, 0.5, 0.0, 0.0)),
        record(occluded=False, visibility=(1.0, 1.0, 1.0, 1.0)),
        record(occluded=True, occluder_kind="person", visibility=(0.25, 0.25, 0.25, 0.25)),
        record(),
    ]
    assert query_labels(records) == {
        "occlusion": ["occluded", "holistic", "occluded", None],
        "occluder": ["car", None, "person", None],
        "visible": ["25–50 %", "75–100 %", "25–50 %", None],
    }


def test_records_that_carry_nothing_divide_nothing():
    assert query_labels([record(), record()]) == {}


def test_a_subset_equals_evaluating_its_queries(random_sides):
    query, gallery = random_sides(30, 100)
    labels = ["even" if cam % 2 == 0 else "odd" if cam == 1 else None for cam in query.camids.tolist()]
    found = by_subset(evaluate(query, gallery, "euclidean"), labels)
    assert list(found) == ["even", "odd"]
    odd = evaluate(query[query.camids == 1], gallery, "euclidean")
    assert found["odd"].scores() == odd.scores()


def test_labels_must_fit(random_sides):
    with pytest.raises(UserError, match="2 labels do not fit 5 queries"):
        by_subset(evaluate(*random_sides(5, 50), "euclidean"), ["a", "b"])


def test_camera_pairs_see_one_camera_each(random_sides):
    query, gallery = random_sides(40, 150)
    pairs = by_camera_pair(query, gallery, "euclidean")
    assert list(pairs) == sorted(pairs) and all(one != other for one, other in pairs)
    assert len(pairs) == 12
    one = evaluate(query[query.camids == 2], gallery[gallery.camids == 0], "euclidean")
    assert pairs[2, 0].scores() == one.scores() and pairs[2, 0].gallery == one.gallery


def test_kept_cameras_are_paired_with_themselves(random_sides):
    query, gallery = random_sides(40, 150)
    assert len(by_camera_pair(query, gallery, "euclidean", same_camera="keep")) == 16


def test_pairs_without_a_common_person_are_left_out(random_sides):
    query, gallery = random_sides(40, 150)
    gallery.pids[gallery.camids == 3] += 100
    pairs = by_camera_pair(query, gallery, "euclidean")
    assert all(other != 3 for _, other in pairs) and len(pairs) == 9
    assert np.isfinite([p.mean_ap for p in pairs.values()]).all()
