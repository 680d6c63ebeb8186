from dataclasses import replace

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.retrieval import Protocol, Ranking, compare, verdict
from occreid.retrieval.verdict import Verdict


def made(precision):
    precision = np.asarray(precision, float)
    return Ranking(
        Protocol("cosine", ranks=(1, 5)),
        np.where(precision > 0.5, 1, 4)[None],
        precision,
        precision,
        np.arange(len(precision)) // 2,
        gallery={"images": 9},
    )


def runs(gain, queries=320, seeds=3):
    """Runs of a baseline, and of one that gains; every seed is as good as the other but for noise."""
    rng = np.random.default_rng(0)
    bases = [0.3 + 0.3 * rng.random(queries) for _ in range(seeds)]
    return [made(b) for b in bases], [made(b + gain + 0.05 * rng.standard_normal(queries)) for b in bases]


def test_a_gain_that_seeds_agree_on_counts():
    found = verdict(*runs(0.05))
    assert found.missing == () and (found.queries, found.seeds, found.agree) == (320, 3, True)
    assert found.sentence("baseline", "veil").startswith("veil is better than baseline (p = 0.0")
    assert verdict(*reversed(runs(0.05))).sentence("veil", "baseline").startswith("veil is better than baseline")


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        (runs(0.0), "p = "),
        (runs(0.05, queries=80), "80 queries, fewer than 300"),
        (runs(0.05, seeds=1), "1 of 3 seeds"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_claimed(sides, words):
    found = verdict(*sides)
    sentence = found.sentence("a", "b")
    assert sentence.startswith("No difference shown between a and b (") and words in sentence


def test_seeds_that_differ_in_sign_show_nothing_however_small_p_is():
    firsts, seconds = runs(0.2)
    seconds[2] = made(firsts[2].average_precision - 0.01)
    found = verdict(firsts, seconds)
    assert found.difference.p_value < 0.01 and found.missing == ("seeds differ in sign",)


def test_a_pair_of_runs_that_is_equal_differs_in_no_direction():
    firsts, seconds = runs(0.2)
    seconds[2] = firsts[2]
    found = verdict(firsts, seconds)
    assert found.agree and found.missing == () and verdict(seconds, firsts).agree
    same = verdict(firsts, firsts)
    assert same.agree and same.missing == ("p = 1.000",)


def test_a_score_that_is_none_is_named():
    with pytest.raises(UserError, match="there is no score 'R-2'") as caught:
        verdict(*runs(0.05), "R-2")
    assert "R-" in caught.value.hint
    assert verdict(*runs(0.2), "R-5").seeds == 3


def test_means_over_runs_are_compared_query_by_query():
    firsts, seconds = runs(0.05)
    found = compare(firsts, seconds)["mAP"]
    expected = [np.mean([run.mean_ap for run in side]) for side in (firsts, seconds)]
    assert [found.first, found.second] == pytest.approx(expected)
    single = compare(firsts[0], seconds[0])["mAP"]
    assert single == compare(firsts[:1], seconds[:1])["mAP"]
    mean = made(np.mean([run.average_precision for run in seconds], axis=0))
    base = made(np.mean([run.average_precision for run in firsts], axis=0))
    assert compare(base, mean)["mAP"].low == pytest.approx(found.low)


def test_other_numbers_of_runs_cannot_be_paired():
    firsts, seconds = runs(0.05)
    with pytest.raises(UserError, match="3 and 2 runs cannot be paired"):
        verdict(firsts, seconds[:2])
    assert isinstance(verdict(firsts, seconds), Verdict)
    with pytest.raises(UserError, match="different protocols"):
        verdict(firsts, [replace(run, protocol=Protocol("euclidean", ranks=(1, 5), ap="trapezoid")) for run in seconds])
