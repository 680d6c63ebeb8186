from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.annotate.construction.protocol import Amounts, Shares, plan_splits
from occreid.annotate.construction.review import Crop
from occreid.errors import UserError


def people(count, hidden=4, whole=16, cameras=3, first=0):
    return [
        Crop(f"{pid:03d}_{i:02d}.jpg", str(pid), str(i % cameras), i < hidden)
        for pid in range(first, first + count)
        for i in range(hidden + whole)
    ]


def by_person(crops):
    found = defaultdict(list)
    for crop in crops:
        found[crop.pid].append(crop)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), min_size=3, max_size=30),
    st.integers(1, 4),
    st.integers(0, 5),
)
def test_the_papers_rules_hold_whatever_there_is(persons, cameras, seed):
    crops = [
        Crop(f"{pid}_{i}", str(pid), str(i % cameras), i < hidden)
        for pid, (hidden, whole) in enumerate(persons)
        for i in range(hidden + whole)
    ]
    if not crops:
        return
    try:
        plan = plan_splits(crops, seed=seed)
    except UserError as error:
        assert "can be a query" in error.problem
        return
    gallery, train = by_person(plan.gallery), by_person(plan.train)
    asked = {c.pid: c for c in plan.query}
    assert len(asked) == len(plan.query) and all(c.occluded for c in plan.query)
    for pid, query in asked.items():
        assert sorted(c.occluded for c in gallery[pid]) == [False, True] and query not in gallery[pid]
    for pid in gallery.keys() - asked.keys():
        kinds = Counter(c.occluded for c in gallery[pid])
        assert 1 <= kinds[True] <= 3 and 1 <= kinds[False] <= 3
    assert not train.keys() & (gallery.keys() | asked.keys())
    assert all(5 <= len(own) <= 20 for own in train.values())
    everything = [*plan.train, *plan.query, *plan.gallery]
    assert len(set(everything)) == len(everything)
    assert plan.unused_persons == len({c.pid for c in crops}) - len(train.keys() | gallery.keys())


def test_shares_and_occluded_part_of_training():
    plan = plan_splits(people(200), Shares(0.3, 0.5), seed=1)
    train, gallery = by_person(plan.train), by_person(plan.gallery)
    assert len(train) == 60 and len(plan.query) == 100 and len(gallery) == 140
    assert 0.11 < sum(c.occluded for c in plan.train) / len(plan.train) < 0.19


def test_matches_come_from_other_cameras_where_there_are_any():
    plan = plan_splits(people(60, hidden=3, whole=3), seed=2)
    gallery = by_person(plan.gallery)
    assert all(c.camid != query.camid for query in plan.query for c in gallery[query.pid])
    lone = plan_splits(people(10, cameras=1), seed=2)
    assert lone.query  # one camera is no reason to give up


def test_the_same_seed_gives_the_same_splits_in_any_order():
    crops = people(30)
    assert plan_splits(crops, seed=3) == plan_splits(crops[::-1], seed=3) != plan_splits(crops, seed=4)


def test_persons_who_fit_nowhere_are_counted():
    plan = plan_splits([*people(10), *people(4, hidden=0, whole=2, first=50)], seed=0)
    assert plan.unused_persons == 4


@pytest.mark.parametrize("shares", [(-0.1, 0.5), (0.5, 0.0), (0.6, 0.5)])
def test_shares_that_make_no_sense(shares):
    with pytest.raises(UserError, match="do not make sense"):
        Shares(*shares)


def test_nobody_to_ask_for():
    with pytest.raises(UserError, match="none of 5 persons can be a query"):
        plan_splits(people(5, hidden=1))


def test_a_person_may_have_several_queries_and_more_pictures_in_the_gallery():
    amounts = Amounts(queries=3, gallery=2, others=(4, 4))
    plan = plan_splits(people(40, hidden=6, whole=6), Shares(0.0, 0.5), amounts=amounts)
    queries, gallery = by_person(plan.query), by_person(plan.gallery)
    assert len(queries) == 20 and all(len(own) == 3 for own in queries.values())
    for pid, own in gallery.items():
        kinds = Counter(crop.occluded for crop in own)
        assert kinds == ({True: 2, False: 2} if pid in queries else {True: 4, False: 4})
        assert not {crop.path for crop in own} & {crop.path for crop in queries.get(pid, ())}
    few = plan_splits(people(4, hidden=2, whole=1), Shares(0.0, 1.0), amounts=amounts)
    assert all(len(own) == 1 for own in by_person(few.query).values()), "one occluded picture stays for the gallery"


@pytest.mark.parametrize("options", [{"queries": 0}, {"gallery": 0}, {"others": (3, 1)}, {"train": (0, 2)}])
def test_amounts_that_make_no_sense_are_refused(options):
    with pytest.raises(UserError):
        Amounts(**options)
