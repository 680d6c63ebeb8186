import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.retrieval import Verification, verify


def pairs_by_loops(query, gallery, metric):
    matrix, genuine, impostor = distances(query, gallery, metric), [], []
    for i in range(len(query)):
        for j in range(len(gallery)):
            same = query.pids[i] == gallery.pids[j]
            if same and query.camids[i] == gallery.camids[j]:
                continue
            (genuine if same else impostor).append(float(matrix[i, j]))
    return np.array(genuine), np.array(impostor)


@given(st.data(), st.sampled_from(["euclidean", "visible_parts"]))
@settings(max_examples=80, deadline=None)
def test_every_rate_equals_counting_all_pairs(retrieval_problems, data, metric):
    query, gallery = data.draw(retrieval_problems())
    genuine, impostor = pairs_by_loops(query, gallery, metric)
    if not len(genuine) or not len(impostor):
        with pytest.raises(UserError):
            verify(query, gallery, metric)
        return
    found = verify(query, gallery, metric)
    assert (found.num_genuine, found.num_impostor) == (len(genuine), len(impostor))
    assert np.isfinite(found.thresholds).all() and (np.diff(found.thresholds) > 0).all()
    for at, tar, far in zip(found.thresholds, found.true_accept_rate, found.false_accept_rate, strict=True):
        assert tar == pytest.approx((genuine <= at).mean()) and far == pytest.approx((impostor <= at).mean())
    for allowed in (0.0, 0.1, 0.5, 1.0):
        finite = np.unique(np.concatenate([genuine, impostor])[np.isfinite(np.concatenate([genuine, impostor]))])
        best = max([(genuine <= t).mean() for t in finite if (impostor <= t).mean() <= allowed], default=0.0)
        assert found.true_accepts_at(allowed)[0] == pytest.approx(best)


def test_several_pieces_change_nothing(random_sides, monkeypatch):
    query, gallery = random_sides(50, 200)
    whole = verify(query, gallery, "euclidean")
    monkeypatch.setattr("occreid.tiles._ROW_BYTES", 1)
    pieces = verify(query, gallery, "euclidean")
    np.testing.assert_allclose(pieces.false_accept_rate, whole.false_accept_rate, atol=1e-12)


def test_separated_persons_make_no_error():
    query = Descriptors(torch.tensor([[0.0], [10.0]]), None, torch.tensor([1, 2]), torch.zeros(2))
    gallery = Descriptors(torch.tensor([[1.0], [11.0]]), None, torch.tensor([1, 2]), torch.ones(2))
    found = verify(query, gallery, "euclidean")
    assert found.equal_error_rate == 0
    assert found.true_accepts_at(0.0) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("tar", "far", "expected"),
    [
        ([0.5, 0.8, 1.0], [0.1, 0.2, 0.6], 0.2),
        ([1.0], [1.0], 0.5),
        ([0.6, 1.0], [0.0, 0.4], 0.2),
        ([0.7], [0.0], 0.3 / 1.3),
    ],
)
def test_equal_error_rate_by_hand(tar, far, expected):
    found = Verification(np.arange(len(tar), dtype=float), np.array(tar), np.array(far), 10, 10)
    assert found.equal_error_rate == pytest.approx(expected)


def test_independent_distances_are_a_coin_toss():
    generator = torch.Generator().manual_seed(0)
    sides = [
        Descriptors(torch.randn(200, 8, generator=generator), None, torch.randint(0, 9, (200,), generator=generator))
        for _ in range(2)
    ]
    assert verify(*sides, "euclidean", same_camera="keep").equal_error_rate == pytest.approx(0.5, abs=0.02)


def test_impossible_requests():
    query = Descriptors(torch.zeros(1, 1), None, torch.tensor([1]), torch.tensor([0]))
    gallery = Descriptors(torch.zeros(2, 1), None, torch.tensor([1, 1]), torch.ones(2))
    with pytest.raises(UserError, match="two different persons"):
        verify(query, gallery, "euclidean")
    found = Verification(np.array([1.0]), np.array([1.0]), np.array([0.5]), 1, 2)
    assert found.true_accepts_at(0.1) == (0.0, -math.inf)
    with pytest.raises(UserError, match="impossible"):
        found.true_accepts_at(1.5)
