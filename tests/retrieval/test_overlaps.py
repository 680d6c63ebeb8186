import numpy as np

from occreid.retrieval.overlaps import add_means, add_overlaps, turn


def test_overlaps_are_sums_of_the_smaller_weights_over_shared_columns():
    # query 0 holds columns 0 and 2, query 1 nothing; image 0 holds 0, image 1 holds 0 and 2
    block = np.zeros((2, 2))
    add_overlaps(
        np.array([0, 2, 2]), np.array([0, 2]), np.array([0.5, 0.25]),
        np.array([0, 2, 2, 3]), np.array([0, 1, 1], np.int32), np.array([0.125, 1.0, 1.0]), block,
    )  # fmt: skip
    assert block.tolist() == [[0.125, 0.75], [0.0, 0.0]]


def test_means_leave_out_nobody_and_hold_each_column_once():
    # row 0 holds columns 0 and 2, row 1 column 2, row 2 nothing
    starts, columns, weights = np.array([0, 2, 3, 3]), np.array([0, 2, 2]), np.array([0.5, 0.25, 0.75])
    members = np.array([[1, 0], [0, 3], [2, 3], [1, 2]], np.int32)
    counts, out, means = np.empty(4, np.int64), np.empty(6, np.int64), np.empty(6)
    add_means(starts, columns, weights, members, counts, out, means)
    assert counts.tolist() == [2, 2, 0, 1]
    assert out[:5].tolist() == [2, 0, 0, 2, 2] and means[:5].tolist() == [0.5, 0.25, 0.5, 0.25, 0.375]


def test_rows_are_turned_by_column():
    starts, columns, weights = np.array([1, 3, 4]), np.array([9, 2, 0, 2]), np.array([9.0, 0.5, 0.25, 0.75])
    image, weight = np.empty(3, np.int32), np.empty(3)
    turn(starts, columns, weights, np.array([0, 1, 1, 3]), image, weight)
    assert image.tolist() == [0, 0, 1] and weight.tolist() == [0.25, 0.5, 0.75]
