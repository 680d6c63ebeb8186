import math

import numpy as np
import pytest

from occreid.retrieval import evaluate
from occreid.retrieval.protocol import Protocol
from occreid.retrieval.ranking import Ranking, single_hit_precision


def small(first_ranks, ap=(0.5, 1.0, math.nan), protocol=None):
    first = np.array(first_ranks)
    return Ranking(
        protocol or Protocol("euclidean", ranks=(1, 5)),
        first,
        np.array(ap),
        np.array(ap) / 2,
        np.array([7, 8, 9]),
        gallery={"images": 10, "ids": 4},
    )


def test_skipped_queries_enter_no_number():
    ranking = small([[2, 1, 0]])
    assert (ranking.num_valid_queries, ranking.num_skipped_queries) == (2, 1)
    assert ranking.cmc == {1: 0.5, 5: 1.0}
    assert ranking.mean_ap == 0.75 and ranking.mean_inp == 0.375
    assert ranking.scores() == {"mAP": 0.75, "R-1": 0.5, "R-5": 1.0, "mINP": 0.375}
    assert math.isnan(ranking.hit_rate(1)[2])


def test_draws_give_a_mean_and_a_spread():
    ranking = small([[2, 1, 0], [1, 1, 0]], protocol=Protocol("euclidean", shots="single", draws=2, ranks=(1, 5)))
    assert ranking.cmc[1] == 0.75 and ranking.cmc_std == {1: 0.25, 5: 0.0}
    assert ranking.mean_ap_std == pytest.approx(np.std([0.75, 1.0]))
    np.testing.assert_array_equal(ranking.hit_rate(1), [0.5, 1.0, np.nan])


def test_one_gallery_has_no_spread():
    ranking = small([[2, 1, 0]])
    assert ranking.cmc_std == {1: 0.0, 5: 0.0} and ranking.mean_ap_std == 0.0


def test_a_selection_equals_evaluating_those_queries(random_sides):
    query, gallery = random_sides(30, 100)
    whole = evaluate(query, gallery, "euclidean")
    chosen = query.camids == 1
    expected = evaluate(query[chosen], gallery, "euclidean")
    for key in (chosen.numpy(), np.flatnonzero(chosen.numpy())):
        part = whole.select(key)
        assert part.scores() == expected.scores()
        assert part.query_paths == expected.query_paths and part.query_pids.tolist() == query.pids[chosen].tolist()


def test_an_empty_selection_has_no_scores():
    part = small([[2, 1, 0]]).select(np.array([False, False, True]))
    assert part.num_valid_queries == 0 and all(math.isnan(v) for v in part.scores().values())


def test_precision_of_a_single_hit():
    np.testing.assert_allclose(single_hit_precision(np.array([1, 2, 4]), "step"), [1, 1 / 2, 1 / 4])
    np.testing.assert_allclose(single_hit_precision(np.array([1, 2, 4]), "trapezoid"), [1, 1 / 4, 1 / 8])
