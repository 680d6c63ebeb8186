from pathlib import Path

import numpy as np
import pytest

from occreid.evaluation.clever_hans import CleverHans, Trial
from occreid.evaluation.clever_hans_score import clever_hans_score, comes_first, score_interval
from occreid.evaluation.natural import NaturalHans
from occreid.records import Record


@pytest.mark.parametrize(
    ("fooled", "anyway", "score"),
    [(0.6, 0.2, 0.5), (1, 0.5, 1), (0.3, 0.3, 0), (0.1, 0.2, 0), (1, 1, 0), (0.25, 0, 0.25)],
)
def test_the_score_is_the_share_that_sharing_turns(fooled, anyway, score):
    assert clever_hans_score(fooled, anyway) == pytest.approx(score)


def test_ties_count_half():
    one, other = np.array([1, 2, 3, np.inf, np.inf, 1.0]), np.array([2, 1, 3 + 1e-6, np.inf, 1, np.inf])
    assert comes_first(one, other).tolist() == [1, 0, 0.5, 0.5, 0, 1]


def test_the_interval_draws_persons_not_queries():
    rng = np.random.default_rng(0)
    each, apart = rng.random(30), np.zeros(300)
    alike, pids = np.repeat(each, 10), np.repeat(np.arange(30), 10)
    low, high = score_interval(alike, apart, pids, 500, 0)
    of_queries = score_interval(alike, apart, np.arange(300), 500, 0)
    assert low < each.mean() < high and high - low > 2 * (of_queries[1] - of_queries[0])
    assert (low, high) == score_interval(alike, apart, pids, 500, 0) != score_interval(alike, apart, pids, 500, 1)
    order = rng.permutation(300)
    assert score_interval(alike[order], apart, pids[order], 500, 0) == pytest.approx((low, high))


def pasted(pids, shared, apart):
    people = [Record(Path(f"{pid}.png"), pid, 0) for pid in pids]
    trials = tuple(Trial(one, one, one, 0, 1, "left") for one in people)
    return CleverHans(trials, shared, apart, np.zeros(len(pids)), np.zeros(len(pids)), np.zeros((len(pids), 3)))


def natural(pids, shared, apart):
    pairs = np.ones(len(pids), np.int64)
    return NaturalHans("kind", np.arange(len(pids)), np.array(pids), shared, apart, pairs, pairs)


@pytest.mark.parametrize("outcome", [pasted, natural])
def test_both_outcomes_score_by_trial_and_doubt_by_person(outcome):
    shared, apart = np.repeat([1.0, 0.0], 20), np.full(40, 0.25)
    found = outcome([5] * 20 + [7] * 20, shared, apart)
    assert (found.fooled, found.fooled_anyway, found.score) == (0.5, 0.25, pytest.approx(1 / 3))
    assert found.interval() == (0, 1)  # two persons: both draws of two may be the fooled one, or the other
