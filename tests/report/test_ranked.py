import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occreid.errors import UserError
from occreid.report.ranked import pick_differing, pick_queries, ranked_list

NAN = math.nan


def lists(split, entry, row, same_camera="junk", **options):
    protocol = replace(entry.ranking.protocol, same_camera=same_camera)
    return ranked_list(
        entry.name, row, entry.query, entry.gallery, split.query, split.gallery, protocol=protocol, **options
    )


def test_a_perfect_method_returns_the_person_first_without_its_own_camera(split, entries):
    shown = lists(split, entries[0], 2, k=4, average_precision=1.0)
    assert [hit.rank for hit in shown.hits] == [1, 2, 3, 4]
    assert [hit.correct for hit in shown.hits] == [True, True, False, False]
    assert {hit.picture.camera for hit in shown.hits[:2]} == {"2", "3"}, "camera 1 is the query's own"
    distances = [hit.distance for hit in shown.hits]
    assert distances == sorted(distances)
    assert shown.summary == "right at ranks 1, 2"
    assert (shown.method, shown.average_precision, shown.query.pid) == ("perfect", 1.0, "2")


def test_the_camera_rule_is_the_evaluations(split, entries):
    kept = lists(split, entries[0], 2, k=3, same_camera="keep")
    assert sorted(hit.picture.camera for hit in kept.hits) == ["1", "2", "3"]


def test_a_small_gallery_gives_a_short_list(split, entries):
    shown = lists(split, entries[0], 0, k=50)
    assert len(shown.hits) == len(split.gallery) - 1, "all but the query's own camera"


def test_verdicts_are_in_the_alternative_texts(split, entries):
    shown = lists(split, entries[0], 1, k=3)
    assert [hit.picture.alt.split(":")[0] for hit in shown.hits] == ["rank 1, right", "rank 2, right", "rank 3, wrong"]
    assert shown.query.alt.startswith("query: person 1, camera 1, 62\u202f% visible")


def test_summary_of_a_miss(split, entries):
    shown = lists(split, entries[0], 0, k=3)
    missed = replace(shown, hits=tuple(replace(hit, correct=False) for hit in shown.hits))
    single = replace(shown, hits=(shown.hits[0],))
    assert missed.summary == "no match among the first 3"
    assert single.summary == "right at rank 1"


def test_records_of_another_split_are_refused(split, entries):
    with pytest.raises(UserError, match="18 gallery descriptors do not fit 3 gallery records"):
        lists(replace(split, gallery=split.gallery[:3]), entries[0], 0)


def test_a_vanished_image_is_named(split, entries):
    gone = tuple(replace(r, path=r.path.with_name("gone.png")) for r in split.gallery)
    with pytest.raises(UserError, match=r"gone\.png"):
        lists(replace(split, gallery=gone), entries[0], 0)


def test_picks_are_the_extremes():
    values = [0.3, NAN, 0.9, 0.1, 0.7, 0.2, 0.5]
    picked = pick_queries(values, best=2, worst=2, random=1, seed=4)
    assert picked["best"] == [2, 4]
    assert picked["worst"] == [3, 5]
    assert picked["random"] in ([0], [6])


def test_equal_queries_are_not_always_the_first_files():
    picks = {tuple(pick_queries([1.0] * 50, best=2, worst=0, random=0, seed=seed)["best"]) for seed in range(5)}
    assert len(picks) > 1
    assert picks == {tuple(pick_queries([1.0] * 50, best=2, worst=0, random=0, seed=s)["best"]) for s in range(5)}


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(0, 1)), max_size=20),
    *[st.integers(0, 4) for _ in range(3)],
    st.integers(0, 9),
)
def test_no_query_is_shown_twice_and_no_skipped_one_ever(values, best, worst, random, seed):
    picked = pick_queries(values, best=best, worst=worst, random=random, seed=seed)
    rows = [row for group in picked.values() for row in group]
    valid = sum(not math.isnan(value) for value in values)
    assert len(rows) == len(set(rows)) == min(valid, best + worst + random)
    assert not any(math.isnan(values[row]) for row in rows)
    if picked["best"] and picked["worst"]:
        assert min(values[row] for row in picked["best"]) >= max(values[row] for row in picked["worst"])


def test_differing_queries_are_those_with_the_largest_gap_of_any_two_runs():
    runs = [[0.5, 0.9, 0.1, 0.3], [0.5, 0.2, 0.2, 0.3], [0.5, 0.3, 0.5, 0.3]]
    assert pick_differing(runs) == [1, 2]
    assert pick_differing(runs, count=1) == [1]


def test_queries_without_a_match_and_runs_that_agree_differ_nowhere():
    assert pick_differing([[float("nan"), 0.5], [float("nan"), 0.5]]) == []
