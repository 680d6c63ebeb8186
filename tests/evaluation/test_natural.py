from pathlib import Path

import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.evaluation import Occluders, natural_clever_hans
from occreid.records import Record

KINDS = ("bin", "car", "tree")


def record(pid, camid, thing=None, occluded=True):
    """Somebody behind ``thing``, e.g. ``"bin-1"``."""
    kind = thing.split("-")[0] if thing else None
    path = Path(f"{pid}_{camid}_{thing}.png")
    return Record(path, pid, camid, occluded=occluded and bool(thing), occluder_kind=kind, occluder_id=thing)


@pytest.fixture
def people():
    """Nine persons: a query behind one of three kinds, in the gallery holistic and behind the next kind."""
    query = [record(pid, 0, f"{KINDS[pid % 3]}-{pid % 2}") for pid in range(9)]
    gallery = [record(pid, 1) for pid in range(9)] + [
        record(pid, 2, f"{KINDS[(pid + 1) % 3]}-{pid % 2}") for pid in range(9)
    ]
    return query, gallery


def described(records, feature):
    return Descriptors(
        torch.tensor([feature(r) for r in records], dtype=torch.float32),
        pids=torch.tensor([r.pid for r in records]),
        camids=torch.tensor([r.camid for r in records]),
    )


def sees_the_person(r):
    return [float(r.pid), 1.0]


def sees_the_kind(r):
    return [float(r.occluder_kind == kind) for kind in KINDS]


def sees_the_very_thing(r):
    return [*sees_the_kind(r), *(float(r.occluder_id == f"{kind}-{i}") for kind in KINDS for i in range(2))]


def sees_what_is_hidden(r):
    """The parts a kind of thing hides, whatever the thing looks like."""
    return [float(r.occluder_kind in ("bin", "car")), float(r.occluder_kind == "tree")]


def noise(r):
    return np.random.default_rng(abs(r.pid * 100 + r.camid)).normal(size=4).tolist()


def outcome(people, feature, **options):
    query, gallery = people
    options = {"metric": "euclidean", **options}
    return natural_clever_hans(
        described(query, feature), described(gallery, feature), Occluders.of(query), Occluders.of(gallery), **options
    )


@pytest.mark.parametrize(("by", "feature"), [("kind", sees_the_kind), ("id", sees_the_very_thing)])
def test_a_model_that_sees_only_occluders_scores_one(people, by, feature):
    found = outcome(people, feature, by=by)
    assert found.fooled == found.score == 1 and found.interval() == (1, 1)
    assert found.fooled_anyway < 1


@pytest.mark.parametrize("by", ["kind", "id"])
def test_a_model_that_ignores_them_scores_nought(people, by):
    found = outcome(people, sees_the_person, by=by)
    assert found.score == found.fooled == found.fooled_anyway == 0 and found.interval() == (0, 0)


@pytest.mark.parametrize("by", ["kind", "id"])
def test_ordinary_errors_are_not_blamed_on_occluders(people, by):
    found = outcome(people, lambda r: [1.0 if r.camid else 0.0, 0.0 if r.camid else 5.0 * (r.pid > 99)], by=by)
    assert found.fooled == found.fooled_anyway == 0.5 and found.score == 0  # all are equally far: ties


def test_what_a_kind_hides_is_told_from_how_it_looks(people):
    assert outcome(people, sees_what_is_hidden, by="kind").score > 0.5
    assert outcome(people, sees_what_is_hidden, by="id").score == 0


def brute_force(query, gallery, feature, metric, same_camera, by):
    """Shared and apart, their numbers of pairs, and which queries count, pair by pair."""
    far = distances(described(query, feature), described(gallery, feature), metric).tolist()
    rows = []
    for i, q in enumerate(query):
        wins = {True: [], False: []}
        for j, right in enumerate(gallery):
            same = q.pid == right.pid and not (same_camera == "junk" and q.camid == right.camid)
            known = right.occluder_kind is not None or right.occluded is False
            if not same or not known or right.occluder_kind == q.occluder_kind or q.occluder_kind is None:
                continue
            for k, wrong in enumerate(gallery):
                if wrong.pid == q.pid or wrong.occluder_kind is None:
                    continue
                share = wrong.occluder_kind == q.occluder_kind
                if by == "id":
                    if not share or wrong.occluder_id is None or q.occluder_id is None:
                        continue
                    share = wrong.occluder_id == q.occluder_id
                wins[share].append(1.0 if far[i][k] < far[i][j] else 0.0)
        if wins[True] and wins[False]:
            rows.append((i, np.mean(wins[True]), np.mean(wins[False]), len(wins[True]), len(wins[False])))
    return np.array(rows).T


@pytest.mark.parametrize("by", ["kind", "id"])
@pytest.mark.parametrize("same_camera", ["junk", "keep"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_pair_by_pair(by, same_camera, metric):
    """Random labels, unknown ones and distractors among them, several rights, queries that cannot count."""
    rng = np.random.default_rng(5)

    def anyone(camid, pids):
        for number in range(60):
            drawn = rng.integers(8)
            thing = f"{KINDS[drawn % 3]}-{rng.integers(3)}" if drawn < 6 else None
            one = record(int(rng.choice(pids)), camid + number % 2, thing)
            if drawn == 7:
                one = Record(one.path, one.pid, one.camid)  # nothing is known
            elif drawn == 5:
                one = Record(one.path, one.pid, one.camid, True, occluder_kind=one.occluder_kind)  # no id
            yield one

    query, gallery = list(anyone(0, range(14))), list(anyone(1, range(-1, 12)))
    numbers, shared, apart, shared_pairs, apart_pairs = brute_force(query, gallery, noise, metric, same_camera, by)
    found = outcome((query, gallery), noise, metric=metric, same_camera=same_camera, by=by)
    assert 5 < len(numbers) < 60 and found.queries.tolist() == numbers.tolist()
    assert found.pids.tolist() == [query[i].pid for i in found.queries]
    np.testing.assert_allclose(found.shared, shared)
    np.testing.assert_allclose(found.other, apart)
    assert found.shared_pairs.tolist() == shared_pairs.tolist() and found.other_pairs.tolist() == apart_pairs.tolist()
    assert found.fooled == pytest.approx(shared.mean()) and found.fooled_anyway == pytest.approx(apart.mean())
    low, high = found.interval()
    assert low <= found.score <= high


def test_many_queries(people):
    """More than are compared at once."""
    query, gallery = people
    few, many = outcome((query, gallery), noise), outcome((query * 100, gallery), noise)
    assert len(many.queries) == 100 * len(few.queries) == 900
    np.testing.assert_allclose(many.shared, np.tile(few.shared, 100))


def test_queries_are_weighted_alike_however_many_pictures_there_are():
    """The first query has one wrong picture that shares, and it wins; the second has four, and none wins."""
    query = [record(1, 0, "bin-0"), record(2, 0, "car-0")]
    gallery = [record(1, 1), record(2, 1), record(3, 1, "bin-0"), *(record(4 + i, 1, "car-0") for i in range(4))]
    places = {(1, 0): 0, (1, 1): 5, (3, 1): 1, (2, 0): 100, (2, 1): 101}
    found = outcome((query, gallery), lambda r: [places.get((r.pid, r.camid), 50.0), 0.0])
    assert found.shared.tolist() == [1, 0] and found.fooled == 0.5 and found.shared_pairs.tolist() == [1, 4]


def test_benchmarks_that_do_not_say_are_refused(people):
    query, gallery = people
    plain = [Record(r.path, r.pid, r.camid, r.occluded) for r in query]
    with pytest.raises(UserError, match=r"what hides the persons of its queries \(their occluders' kind"):
        outcome((plain, gallery), sees_the_person)
    no_id = [Record(r.path, r.pid, r.camid, True, occluder_kind=r.occluder_kind) for r in query]
    with pytest.raises(UserError, match="occluders' id"):
        outcome((no_id, gallery), sees_the_person, by="id")
    with pytest.raises(UserError, match="no query has a right picture without its occluder"):
        outcome((query, [r for r in gallery if not r.occluded]), sees_the_person)


def test_mistakes_are_named(people):
    with pytest.raises(UserError, match="not shared by 'kinds'"):
        outcome(people, sees_the_person, by="kinds")
    query, gallery = people
    with pytest.raises(UserError, match="8 occluders do not fit 9 pictures"):
        natural_clever_hans(
            described(query, noise),
            described(gallery, noise),
            Occluders.of(query[1:]),
            Occluders.of(gallery),
            "cosine",
        )
