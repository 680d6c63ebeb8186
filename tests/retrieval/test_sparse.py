import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.retrieval import sparse
from occreid.retrieval.sparse import Rows, average_rows, overlap_blocks


def rows_of(dense):
    row, column = np.nonzero(dense)
    return Rows(np.searchsorted(row, np.arange(len(dense) + 1)), column, dense[row, column])


def dense_of(rows):
    num = len(rows.starts) - 1
    dense = np.zeros((num, num))
    np.add.at(dense, (np.repeat(np.arange(num), np.diff(rows.starts)), rows.columns), rows.weights)
    return dense


@st.composite
def matrices(draw):
    num = draw(st.integers(2, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**20)))
    return generator.random((num, num)) * (generator.random((num, num)) < draw(st.sampled_from([0.0, 0.3, 1.0])))


@given(matrices(), st.integers(1, 4), st.sampled_from([1, 5, 2**21]))
@settings(max_examples=100, deadline=None)
def test_both_operations_equal_the_dense_ones(dense, k, piece):
    num, real = len(dense), sparse._PIECE
    generator = np.random.default_rng(num)
    members = np.stack([generator.permutation(num + 1)[:k] for _ in range(num)])  # N is nobody
    members[:, 0] = np.arange(num)
    members = members.astype(np.int32)
    expected = np.stack([dense[[m for m in row if m < num]].mean(0) for row in members])
    sparse._PIECE = piece
    try:
        averaged = average_rows(rows_of(dense), members)
        found = np.concatenate([b.numpy() for b in overlap_blocks(rows_of(dense), num // 2, 2)])
    finally:
        sparse._PIECE = real
    np.testing.assert_allclose(dense_of(averaged), expected, atol=1e-12)
    minimum = np.minimum(dense[: num // 2, None], dense[None, num // 2 :]).sum(2)
    np.testing.assert_allclose(found, minimum, atol=1e-6)


def test_an_average_holds_each_column_once():
    averaged = average_rows(rows_of(np.array([[0.5, 0.5], [0.25, 0.75]])), np.array([[0, 1], [1, 0]], np.int32))
    assert averaged.columns.tolist() == [0, 1, 0, 1] and averaged.starts.tolist() == [0, 2, 4]


@pytest.mark.parametrize("step", [1, 2, 5])
def test_blocks_are_of_the_size_asked_for(step):
    blocks = list(overlap_blocks(rows_of(np.eye(8)), 5, step))
    assert [len(b) for b in blocks] == [min(step, 5 - s) for s in range(0, 5, step)]
    assert all(b.shape[1] == 3 and (b == 0).all() for b in blocks)
