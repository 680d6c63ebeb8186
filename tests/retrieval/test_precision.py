import numpy as np
import pytest

from occreid.retrieval.precision import average_precision, first_ranks, inverse_negative_penalty

QUERIES, RANKS = np.array([0, 0, 0, 0, 2]), np.array([1, 2, 4, 7, 2])


def test_step_and_trapezoid_of_the_worked_examples():
    np.testing.assert_allclose(average_precision(QUERIES, RANKS, 3, "step"), [0.830357, np.nan, 0.5], atol=1e-6)
    np.testing.assert_allclose(average_precision(QUERIES, RANKS, 3, "trapezoid"), [0.811012, np.nan, 0.25], atol=1e-6)


def test_a_hit_at_rank_one_is_perfect_in_both_forms():
    for form in ("step", "trapezoid"):
        assert average_precision(np.array([0]), np.array([1]), 1, form)[0] == 1


def test_inp_is_hits_over_the_rank_of_the_last():
    np.testing.assert_allclose(inverse_negative_penalty(QUERIES, RANKS, 3), [4 / 7, np.nan, 1 / 2])


def test_first_ranks_are_zero_where_there_is_no_hit():
    assert first_ranks(QUERIES, RANKS, 4).tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize("function", [average_precision, inverse_negative_penalty])
def test_no_hit_at_all(function):
    empty = np.empty(0, np.int64)
    assert np.isnan(function(empty, empty, 2)).all()
