import numpy as np
import pytest

from occreid.nn.denormals import flushing_denormals
from occreid.orders import ADD, AS_IS, SCALE
from occreid.retrieval import counting
from occreid.retrieval.counting import count_hits


def counted(values, column, finish, rows, columns):
    counts = np.zeros(len(rows), np.int64)
    count_hits(values, column, finish, rows, columns, counts)
    return counts


def before(values, row, column):
    """How many images come before one, by distance, then column."""
    own, line = values[row, column], values[row]
    return int((line < own).sum() + (line[:column] == own).sum())


def test_counts_are_what_comes_before_by_distance_then_column():
    values = np.array([[3, 1, 2, 1, np.nan], [5, 5, np.inf, np.inf, 5]], np.float32)
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 3, 1, 3])
    assert counted(values, np.zeros(1, np.float32), AS_IS, rows, columns).tolist() == [3, 0, 1, 1, 4]


@pytest.mark.parametrize("finish", [AS_IS, ADD, SCALE])
def test_equal_distances_on_both_sides_of_a_chunk_s_border(finish):
    generator, width = np.random.default_rng(finish), 2 * counting._CHUNK + 5
    values = generator.integers(0, 4, (3, width)).astype(np.float32)  # thousands of ties with every hit
    values[1] = 2  # all the same
    values[2, generator.random(width) < 0.2] = np.nan
    column = generator.integers(1, 3, width).astype(np.float32)
    whole = {AS_IS: values, ADD: column - 2 * values, SCALE: values * column + 1}[finish]
    at = [c for border in (0, counting._CHUNK, 2 * counting._CHUNK, width) for c in (border - 1, border, border + 1)]
    hits = [(row, c) for row in range(3) for c in at if 0 <= c < width and not np.isnan(values[row, c])]
    rows, columns = np.array(hits).T.copy()
    assert counted(values, column, finish, rows, columns).tolist() == [before(whole, *hit) for hit in hits]


@pytest.mark.parametrize("finish", [AS_IS, ADD, SCALE])
def test_copies_at_distance_0_count_where_denormal_numbers_are_taken_for_0(finish):
    values, column = np.ones((1, counting._CHUNK + 5), np.float32), np.ones(counting._CHUNK + 5, np.float32)
    if finish == ADD:
        values[:], column[:] = -1, 0
    zero = np.float32(-1 if finish == SCALE else 0)  # 0 after values · column + 1
    hit = counting._CHUNK + 2  # in the chunk behind its copy's
    values[0, [5, hit]] = zero
    with flushing_denormals():
        assert counted(values, column, finish, np.array([0]), np.array([hit])).tolist() == [1]


def test_any_number_of_hits_in_a_row():
    generator = np.random.default_rng(0)
    values = generator.random((3, 3000)).astype(np.float32)
    for number in (1, 4, 5, 7, 8, 9, 12, 13, 40):
        columns = np.sort(generator.permutation(3000)[:number])
        found = counted(values, np.zeros(1, np.float32), AS_IS, np.full(number, 1), columns)
        assert found.tolist() == [before(values, 1, c) for c in columns]


def test_threads_run_it_side_by_side_without_the_interpreter():
    assert count_hits.targetoptions["nogil"] is True  # pyright: ignore[reportFunctionMemberAccess]


def test_the_bits_above_are_those_of_the_next_larger_number():
    tiny, large = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
    positive = np.array([0, tiny, 1e-38, 1, 1.9999999, 3e5, large, np.inf], np.float32)
    numbers = np.concatenate([positive, -positive])
    found = [counting._bits_above(number, bits) for number, bits in zip(numbers, numbers.view(np.int32), strict=True)]
    with np.errstate(all="ignore"):
        expected = np.nextafter(numbers, np.float32(np.inf)) + np.float32(0)
    np.testing.assert_array_equal(np.array(found, np.int32).view(np.float32) + np.float32(0), expected)
