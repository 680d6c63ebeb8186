import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.distances import METRICS, distances
from occreid.errors import UserError
from occreid.retrieval import top_k


@given(st.data(), st.sampled_from(METRICS), st.sampled_from(["junk", "keep"]), st.integers(1, 12))
@settings(max_examples=200, deadline=None)
def test_equals_a_stable_sort(retrieval_problems, data, metric, same_camera, k):
    query, gallery = data.draw(retrieval_problems())
    matrix = distances(query, gallery, metric)
    if same_camera == "junk":
        same = (query.pids[:, None] == gallery.pids) & (query.camids[:, None] == gallery.camids)
        matrix[same] = torch.inf
    indices, nearest = top_k(query, gallery, metric, k, same_camera)
    assert indices.shape == nearest.shape == (len(query), k)
    for row in range(len(query)):
        order = [j for j in np.argsort(matrix[row].numpy(), kind="stable") if matrix[row, j].isfinite()][:k]
        padding = k - len(order)
        assert indices[row].tolist() == [*order, *[-1] * padding]
        assert nearest[row].tolist() == [*matrix[row, order].tolist(), *[float("inf")] * padding]


def test_ids_are_not_needed():
    indices, _ = top_k(Descriptors(torch.zeros(1, 2)), Descriptors(torch.eye(3, 2)), "euclidean", 2)
    assert indices.tolist() == [[2, 0]]


def test_in_an_empty_gallery_nothing_is_found():
    indices, nearest = top_k(Descriptors(torch.zeros(2, 3)), Descriptors(torch.zeros(0, 3)), "euclidean", 4)
    assert indices.tolist() == [[-1] * 4] * 2 and nearest.isinf().all()


def test_asking_for_nothing_is_an_error():
    with pytest.raises(UserError, match="at least 1"):
        top_k(Descriptors(torch.zeros(1, 2)), Descriptors(torch.eye(3, 2)), "euclidean", 0)
