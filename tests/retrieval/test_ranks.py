import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.retrieval import ranks
from occreid.retrieval.ranks import count_before

VALUES = st.sampled_from([0.0, 0.5, 1.0, 2.0, float("inf"), float("nan")])


@st.composite
def blocks(draw):
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    values = draw(st.lists(st.lists(VALUES, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    block = torch.tensor(values, dtype=torch.float32)
    hits = [(r, c) for r in range(rows) for c in range(columns) if not block[r, c].isnan() and draw(st.booleans())]
    row, column = np.array(hits, np.int64).reshape(-1, 2).T
    return block, row, column


def by_sorting(block, rows, columns):
    counts = []
    for row, column in zip(rows, columns, strict=True):
        order = [j for j in np.argsort(block[row].numpy(), kind="stable") if not block[row, j].isnan()]
        counts.append(order.index(column))
    return np.array(counts, np.int64)


@given(blocks())
@settings(max_examples=300, deadline=None)
def test_every_way_of_counting_equals_sorting(case):
    expected = by_sorting(*case)
    np.testing.assert_array_equal(count_before(*case), expected)
    np.testing.assert_array_equal(ranks._count_on_device(*case), expected)
    sort_from, ranks._SORT_FROM = ranks._SORT_FROM, 1
    try:
        np.testing.assert_array_equal(count_before(*case), expected)
    finally:
        ranks._SORT_FROM = sort_from


def test_many_hits_of_one_row_are_counted_by_sorting(monkeypatch):
    called = []
    real = ranks._count_by_sorting
    monkeypatch.setattr(ranks, "_count_by_sorting", lambda *a: called.append(1) or real(*a))
    block = torch.rand(2, 100, generator=torch.Generator().manual_seed(0))
    rows = np.array([0] * 3 + [1] * 60)
    columns = np.concatenate([[1, 5, 9], np.arange(60)])
    np.testing.assert_array_equal(count_before(block, rows, columns), by_sorting(block, rows, columns))
    assert len(called) == 1


def test_a_row_without_hits_costs_nothing():
    empty = np.empty(0, np.int64)
    assert len(count_before(torch.rand(3, 4), empty, empty)) == 0
    assert len(ranks._count_on_device(torch.rand(3, 4), empty, empty)) == 0
