from dataclasses import replace

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.retrieval import Protocol, Ranking, compare, confidence_intervals, evaluate
from occreid.retrieval.bootstrap import require_comparable


def made(precision, pids, **changes):
    precision = np.asarray(precision, float)
    first = np.where(np.isnan(precision), 0, np.where(precision > 0.5, 1, 4))[None]
    ranking = Ranking(
        Protocol("cosine", ranks=(1, 5)), first, precision, precision, np.asarray(pids), gallery={"images": 9}
    )
    return replace(ranking, **changes)


def test_the_interval_holds_the_score_and_repeats(random_sides):
    ranking = evaluate(*random_sides(80, 200), "euclidean")
    intervals = confidence_intervals(ranking, 500)
    assert intervals == confidence_intervals(ranking, 500) != confidence_intervals(ranking, 500, seed=1)
    for name, value in ranking.scores().items():
        low, high = intervals[name]
        assert low <= value <= high
    narrow = confidence_intervals(ranking, 500, level=0.5)
    assert narrow["mAP"][1] - narrow["mAP"][0] < intervals["mAP"][1] - intervals["mAP"][0]


def test_the_width_is_that_of_persons_not_of_queries():
    # 20 persons with 50 equal queries each: the standard error is that of 20 numbers, not of 1,000
    generator = np.random.default_rng(0)
    persons = generator.random(20)
    low, high = confidence_intervals(made(np.repeat(persons, 50), np.repeat(np.arange(20), 50)), 4000)["mAP"]
    expected = 2 * 1.96 * persons.std() / np.sqrt(20)
    assert high - low == pytest.approx(expected, rel=0.1)


def test_persons_of_different_size_weigh_by_their_queries():
    ranking = made([1.0, 0.0, 0.0, 0.0], [1, 2, 2, 2])
    low, high = confidence_intervals(ranking, 1000)["mAP"]
    assert (low, high) == (0.0, 1.0)
    assert ranking.mean_ap == 0.25


def test_a_clear_difference_is_significant_and_noise_is_not():
    generator = np.random.default_rng(1)
    pids, base = np.repeat(np.arange(60), 3), generator.random(180) * 0.5
    found = compare(made(base, pids), made(base + 0.1 + 0.05 * generator.random(180), pids))["mAP"]
    assert found.p_value < 0.002 and 0.1 < found.low < found.second - found.first < found.high < 0.15
    noise = compare(made(base, pids), made(base + 0.1 * generator.standard_normal(180), pids))["mAP"]
    assert noise.p_value > 0.05 and noise.low < 0 < noise.high


def test_pairing_counts():
    # each query gains the same: certain although the scores spread widely
    base = np.linspace(0, 0.9, 30)
    found = compare(made(base, np.arange(30)), made(base + 0.05, np.arange(30)))["mAP"]
    assert found.low == pytest.approx(0.05) and found.high == pytest.approx(0.05)


def test_equal_rankings_do_not_differ():
    ranking = made([0.2, 0.9, np.nan], [1, 2, 3])
    assert {d.p_value for d in compare(ranking, ranking, 100).values()} == {1.0}


@pytest.mark.parametrize("resamples", [1, 9, 99])
def test_no_p_value_is_smaller_than_the_resamples_can_tell(resamples):
    # nothing lies beyond zero: (0 + 1) / (B + 1), both sides
    base, pids = np.linspace(0, 0.4, 30), np.arange(30)
    found = compare(made(base, pids), made(base + 0.05, pids), resamples)["mAP"]
    assert found.p_value == pytest.approx(min(1, 2 / (resamples + 1)))


def test_the_p_value_is_even_when_nothing_differs():
    generator = np.random.default_rng(2)
    pids = np.arange(40)
    values = [
        compare(made(generator.random(40), pids), made(generator.random(40), pids), 200)["mAP"].p_value
        for _ in range(200)
    ]
    assert np.mean(np.array(values) < 0.1) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"protocol": Protocol("cosine", ap="trapezoid", ranks=(1, 5))}, "different protocols .ap: step / trapezoid"),
        ({"protocol": Protocol("cosine", rerank="aqe", ranks=(1, 5))}, "different protocols .rerank"),
        ({"protocol": Protocol("cosine", ranks=(1, 10))}, "ranks"),
        ({"facts": {"benchmark": "other"}}, "different benchmarks .None / other"),
        ({"gallery": {"images": 8}}, "different galleries"),
        ({"query_pids": np.array([1, 5])}, "different queries"),
        ({"query_camids": np.array([1, 5])}, "different query cameras"),
        ({"first_ranks": np.array([[0, 1]])}, "different valid queries"),
    ],
)
def test_results_that_do_not_compare_are_refused(changes, word):
    ranking = made([0.2, 0.9], [1, 2])
    with pytest.raises(UserError, match=word):
        compare(ranking, replace(ranking, **changes))


def test_methods_with_their_own_metric_compare():
    ranking = made([0.2, 0.9], [1, 2])
    require_comparable(ranking, replace(ranking, protocol=Protocol("visible_parts", ranks=(1, 5))))


def test_impossible_requests():
    with pytest.raises(UserError, match="no query"):
        confidence_intervals(made([np.nan], [1]))
    for options in ({"resamples": 0}, {"level": 1.0}):
        with pytest.raises(UserError, match="not defined"):
            confidence_intervals(made([0.5], [1]), **options)
