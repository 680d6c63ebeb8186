import numpy as np

from occreid.retrieval.counting import count_hits


def test_counts_are_what_comes_before_by_distance_then_column():
    values = np.array([[3, 1, 2, 1, np.nan], [5, 5, np.inf, np.inf, 5]], np.float32)
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 3, 1, 3])
    distances, counts = values[rows, columns], np.zeros(5, np.int64)
    count_hits(values, rows, columns, distances, np.nextafter(distances, np.float32(np.inf)), counts)
    assert counts.tolist() == [3, 0, 1, 1, 4]


def test_threads_run_it_side_by_side_without_the_interpreter():
    assert count_hits.targetoptions["nogil"] is True  # pyright: ignore[reportFunctionMemberAccess]
