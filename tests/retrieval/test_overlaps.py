import numpy as np

from occreid.retrieval.overlaps import add_overlaps


def test_overlaps_are_sums_of_the_smaller_weights_over_shared_columns():
    # query 0 holds columns 0 and 2, query 1 nothing; image 0 holds 0, image 1 holds 0 and 2
    block = np.zeros((2, 2))
    add_overlaps(
        np.array([0, 2, 2]), np.array([0, 2]), np.array([0.5, 0.25]),
        np.array([0, 2, 2, 3]), np.array([0, 1, 1]), np.array([0.125, 1.0, 1.0]), block,
    )  # fmt: skip
    assert block.tolist() == [[0.125, 0.75], [0.0, 0.0]]
