import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval.matches import find_matches, junk_pairs, same_person


def side(pids, camids, folder=None):
    paths = None if folder is None else [f"{folder}/{i}.jpg" for i in range(len(pids))]
    cameras = None if camids is None else torch.tensor(camids)
    return Descriptors(torch.zeros(len(pids), 1), None, torch.tensor(pids), cameras, paths)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.lists(st.integers(0, 4), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_same_person_is_every_pair_of_equal_pid_in_order(query, gallery):
    rows, columns = same_person(np.array(query), np.array(gallery))
    expected = [(i, j) for i, p in enumerate(query) for j, r in enumerate(gallery) if p == r]
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected


def test_hits_and_junk_are_parted_by_camera():
    matches = find_matches(side([1, 2], [0, 1]), side([1, 1, 2, 3], [0, 1, 1, 0]), "junk")
    assert matches.hit_rows.tolist() == [0] and matches.hit_columns.tolist() == [1]
    assert matches.junk_rows.tolist() == [0, 1] and matches.junk_columns.tolist() == [0, 2]
    assert [i.tolist() for i in matches.junk(1, 2)] == [[0], [2]]
    assert [i.tolist() for i in matches.hits(1, 2)] == [[], []]


def test_keep_needs_no_cameras_and_makes_no_junk():
    matches = find_matches(side([1], None), side([1, 1], None), "keep")
    assert len(matches.hit_rows) == 2 and not len(matches.junk_rows)


def test_junk_pairs_without_ids_are_none():
    known, unknown = side([1], [0]), Descriptors(torch.zeros(2, 1))
    assert [len(i) for i in junk_pairs(known, unknown, "junk")] == [0, 0]
    assert [i.tolist() for i in junk_pairs(known, side([1, 2], [0, 0]), "junk")] == [[0], [0]]
    assert [len(i) for i in junk_pairs(known, known, "keep")] == [0, 0]


def test_the_error_names_the_camera_rule():
    with pytest.raises(UserError, match=r"camera rule removed all 2 .* camera 0") as error:
        find_matches(side([1, 2], [0, 0]), side([1, 2], [0, 0]), "junk")
    assert "--same-camera keep" in error.value.hint


def test_the_error_names_disjoint_ids_and_the_folders():
    with pytest.raises(
        UserError, match=r"query \(a/query\) has 4 ids \(1, 2, 3, …\), gallery \(b/test\) has 1 \(9\)"
    ) as e:
        find_matches(side([1, 2, 3, 4], [0] * 4, "a/query"), side([9], [1], "b/test"), "junk")
    assert "wrong folder" in e.value.hint


@pytest.mark.parametrize("folder", ["x", None])
def test_folders_are_named_only_where_there_is_one(folder):
    query = side([1, 2], [0, 0], folder)
    if folder:
        query.paths = ["x/1.jpg", "y/2.jpg"]
    with pytest.raises(UserError, match="query has 2 ids"):
        find_matches(query, side([9], [1]), "junk")


def test_missing_ids_cameras_and_images_are_errors():
    with pytest.raises(UserError, match="query descriptors carry no pids"):
        find_matches(Descriptors(torch.zeros(1, 1)), side([1], [1]), "junk")
    with pytest.raises(UserError, match="gallery descriptors carry no camids") as error:
        find_matches(side([1], [0]), side([1], None), "junk")
    assert "--same-camera keep" in error.value.hint
    with pytest.raises(UserError, match="gallery holds no images"):
        find_matches(side([1], [0]), side([1], [1])[:0], "junk")
    with pytest.raises(UserError, match="camera rule 'jung'"):
        find_matches(side([1], [0]), side([1], [1]), "jung")
