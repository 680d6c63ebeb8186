import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.orders import ADD, SCALE, Order
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
    block, rows, columns = case
    expected = by_sorting(*case)
    np.testing.assert_array_equal(count_before(Order.of(block), rows, columns), expected)
    np.testing.assert_array_equal(ranks._count_on_device(*case), expected)
    np.testing.assert_array_equal(ranks._count_by_sorting(block.numpy(), rows, columns), expected)
    np.testing.assert_array_equal(ranks._count_by_loop(Order.of(block), rows, columns), expected)


@pytest.mark.parametrize("columns", [5000, 8192, 20_000])
def test_the_loop_counts_over_chunks_and_groups_of_hits_with_many_ties(columns):
    generator = np.random.default_rng(columns)
    values = np.round(generator.random((3, columns)), 2).astype(np.float32) - np.float32(0.5)
    values[generator.random(values.shape) < 0.1] = np.inf
    values[generator.random(values.shape) < 0.1] = np.nan
    values[generator.random(values.shape) < 0.1] = -0.0
    rows = np.repeat([0, 2], [19, 8])
    chosen = [generator.permutation(np.flatnonzero(~np.isnan(values[r])))[:n] for r, n in ((0, 19), (2, 8))]
    hits = np.concatenate([np.sort(c) for c in chosen])
    expected = by_sorting(torch.from_numpy(values), rows, hits)
    np.testing.assert_array_equal(ranks._count_by_loop(Order.of(torch.from_numpy(values)), rows, hits), expected)
    np.testing.assert_array_equal(ranks._count_by_sorting(values, rows, hits), expected)
    np.testing.assert_array_equal(ranks._count_on_device(torch.from_numpy(values), rows, hits), expected)


def test_only_large_blocks_are_worth_the_loop_and_only_rows_of_few_hits(monkeypatch):
    called = []
    monkeypatch.setattr(ranks, "_loop_is_loaded", lambda: False)
    for name in ("_count_by_sorting", "_count_by_loop"):
        real = getattr(ranks, name)
        monkeypatch.setattr(ranks, name, lambda v, r, c, n=name, f=real: called.append((n, len(r))) or f(v, r, c))
    block = torch.rand(2, 100, generator=torch.Generator().manual_seed(0))
    rows = np.array([0] * 3 + [1] * 90)
    columns = np.concatenate([[1, 5, 9], np.arange(90)])
    expected = by_sorting(block, rows, columns)
    np.testing.assert_array_equal(count_before(Order.of(block), rows, columns), expected)
    monkeypatch.setattr(ranks, "_LOOP_FROM", 1)
    np.testing.assert_array_equal(count_before(Order.of(block), rows, columns), expected)
    assert called == [("_count_by_sorting", 93), ("_count_by_sorting", 90), ("_count_by_loop", 3)]


@pytest.mark.parametrize("before", [[], [2**20]])
def test_a_small_block_is_counted_by_the_loop_once_a_large_one_has_loaded_it(before):
    code = f"""
import sys, numpy as np, torch
from occreid.orders import Order
from occreid.retrieval.ranks import count_before
for columns in {[*before, 9]}:
    count_before(Order.of(torch.rand(1, columns)), np.zeros(1, int), np.zeros(1, int))
from occreid.retrieval import ranks
print("numba" in sys.modules, ranks._loop_is_loaded())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(bool(before))] * 2


def test_rows_are_sorted_a_few_at_a_time(monkeypatch):
    block = torch.randint(0, 9, (20, 50), generator=torch.Generator().manual_seed(0)).float()
    block[block == 8], block[block == 7] = torch.nan, torch.inf
    rows, columns = (i.numpy() for i in torch.nonzero((block == 3) | block.isinf(), as_tuple=True))
    expected = by_sorting(block, rows, columns)
    for at_once in (1, 150, 2**20):
        monkeypatch.setattr(ranks, "_SORTED_AT_ONCE", at_once)
        np.testing.assert_array_equal(ranks._count_by_sorting(block.numpy(), rows, columns), expected)


def test_a_row_without_hits_costs_nothing():
    empty = np.empty(0, np.int64)
    assert len(count_before(Order.of(torch.rand(3, 4)), empty, empty)) == 0
    assert len(ranks._count_on_device(torch.rand(3, 4), empty, empty)) == 0


@pytest.mark.parametrize("finish", [ADD, SCALE])
@pytest.mark.parametrize("loop_from", [1, 2**19])
def test_what_the_columns_lack_is_minded_however_the_hits_are_counted(finish, loop_from, monkeypatch):
    monkeypatch.setattr(ranks, "_loop_is_loaded", lambda: False)
    monkeypatch.setattr(ranks, "_LOOP_FROM", loop_from)
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(-3, 4, (3, 300), generator=generator).float()
    column = torch.randint(1, 4, (300,), generator=generator).float()
    rows = np.repeat([0, 2], [5, 100])
    columns = np.concatenate([np.arange(5) * 40, np.arange(100) * 3])
    whole = column - 2 * numbers if finish == ADD else numbers * column + 1
    found = count_before(Order(numbers, column, finish), rows, columns)
    np.testing.assert_array_equal(found, by_sorting(whole, rows, columns))


@pytest.mark.gpu
def test_a_gpu_counts_as_the_cpu_does():
    values = torch.randint(-3, 4, (40, 3000), generator=torch.Generator().manual_seed(0)).float()
    rows, columns = torch.nonzero(values == 2, as_tuple=True)
    case = rows.numpy(), columns.numpy()
    cuda, cpu = (count_before(Order.of(v), *case) for v in (values.cuda(), values))
    np.testing.assert_array_equal(cuda, cpu)
