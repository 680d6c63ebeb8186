"""Who goes where: the splits of OPReID.

Source: SSGR paper, Section 4 and Table 2. Queries are occluded; of each query's person the gallery holds one occluded
and one holistic picture; of other persons 1–3 of each; training persons, who are nobody of these, have 5–20 pictures,
about 15 % of them occluded. The paper contradicts itself: see `Amounts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from occreid.annotate.construction.review import Crop
from occreid.errors import UserError

TRAIN_IMAGES = (5, 20)
TRAIN_OCCLUDED = 0.15
OTHERS_IMAGES = (1, 3)


@dataclass(frozen=True, slots=True)
class Shares:
    """How persons are shared out: the published set's proportions, 1,744 : 3,515 : 2,659 of 7,918.

    Attributes:
        train: share of all persons to train on.
        query: share of all persons who get a query.
    """

    train: float = 1744 / 7918
    query: float = 3515 / 7918

    def __post_init__(self) -> None:
        if self.train < 0 or self.query <= 0 or self.train + self.query > 1:
            raise UserError(
                f"shares of {self.train:g} to train and {self.query:g} for queries do not make sense.",
                "Give two shares of at most 1 together, that of queries above 0.",
            )


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many pictures of a person go where; as the paper's text says, which cannot give its Table 2.

    With 4,200 queries of 3,515 persons some have several, and 41,014 gallery pictures of 6,174 persons are 6.6 each.

    Attributes:
        queries: of a person, at most; each leaves an occluded and a holistic picture for the gallery.
        gallery: occluded, and as many holistic, pictures of a query's person in the gallery, at most.
        others: fewest and most pictures of each kind of other persons.
        train: fewest and most pictures of a training person.
    """

    queries: int = 1
    gallery: int = 1
    others: tuple[int, int] = OTHERS_IMAGES
    train: tuple[int, int] = TRAIN_IMAGES

    def __post_init__(self) -> None:
        if min(self.queries, self.gallery) < 1:
            raise UserError("a query's person needs a query and pictures in the gallery.", "Give numbers of 1 or more.")
        for low, high in (self.others, self.train):
            if not 1 <= low <= high:
                raise UserError(f"{low} to {high} pictures of a person are no range.", "Give two rising numbers.")


@dataclass(frozen=True, slots=True)
class Plan:
    """The splits.

    Attributes:
        train, query, gallery: pictures, sorted by path.
        unused_persons: persons who fit no part: too few pictures, or of one kind only.
        amounts: how many pictures of a person were to go where.
    """

    train: tuple[Crop, ...]
    query: tuple[Crop, ...]
    gallery: tuple[Crop, ...]
    unused_persons: int
    amounts: Amounts = Amounts()

    def parts(self) -> dict[str, tuple[Crop, ...]]:
        """The three by name."""
        return {"train": self.train, "query": self.query, "gallery": self.gallery}


def plan_splits(
    crops: Sequence[Crop], shares: Shares | None = None, seed: int = 0, amounts: Amounts | None = None
) -> Plan:
    """Draw the splits.

    Gallery pictures of a query's person come from other cameras than the query wherever there are any, because
    evaluation sets same-camera pictures aside.

    Args:
        crops: all pictures, in any order.
        shares: how persons are shared out.
        seed: the same crops and seed, the same splits.
        amounts: how many pictures of a person go where.

    Raises:
        UserError: no person can be a query: none has two occluded pictures and a holistic one.
    """
    shares, amounts, rng = shares or Shares(), amounts or Amounts(), np.random.default_rng(seed)
    people: dict[str, list[Crop]] = defaultdict(list)
    for crop in sorted(crops, key=lambda c: c.path):
        people[crop.pid].append(crop)
    order = [sorted(people)[i] for i in rng.permutation(len(people))]
    train: list[Crop] = []
    query: list[Crop] = []
    gallery: list[Crop] = []
    trained = asked = unused = 0
    for pid in order:
        own = people[pid]
        pair = _query(own, rng, amounts) if asked < round(shares.query * len(people)) else None
        lesson = _lesson(own, rng, amounts.train) if trained < round(shares.train * len(people)) else None
        if lesson and (pair is None or trained / max(shares.train, 1e-9) <= asked / shares.query):
            train += lesson
            trained += 1
        elif pair:
            query += pair[0]
            gallery += pair[1]
            asked += 1
        elif others := _others(own, rng, amounts.others):
            gallery += others
        else:
            unused += 1
    if not query:
        raise UserError(
            f"none of {len(people)} persons can be a query: that takes two occluded pictures and a holistic one.",
            "Add pictures, or correct the review table.",
        )
    return Plan(_by_path(train), _by_path(query), _by_path(gallery), unused, amounts)


def _by_path(crops: Sequence[Crop]) -> tuple[Crop, ...]:
    return tuple(sorted(crops, key=lambda c: c.path))


def _kinds(own: Sequence[Crop]) -> tuple[list[Crop], list[Crop]]:
    return [c for c in own if c.occluded], [c for c in own if not c.occluded]


def _query(own: Sequence[Crop], rng: Generator, amounts: Amounts) -> tuple[list[Crop], list[Crop]] | None:
    """Queries of one person, and the occluded and holistic gallery pictures."""
    hidden, whole = _kinds(own)
    if len(hidden) < 2 or not whole:
        return None
    # the query from which most of the person's other pictures can be seen from another camera
    shuffled = _shuffled(hidden, rng)
    first = max(shuffled, key=lambda q: (_elsewhere(hidden, q) != [], _elsewhere(whole, q) != []))
    rest = [c for c in shuffled if c is not first]
    kept = (_elsewhere(rest, first) or rest)[: amounts.gallery]
    queries = [first, *[c for c in rest if c not in kept][: amounts.queries - 1]]
    elsewhere = _elsewhere(whole, first) or whole
    if amounts.gallery == 1:
        return queries, [*kept, _pick(elsewhere, rng)]
    return queries, [*kept, *_shuffled(elsewhere, rng)[: amounts.gallery]]


def _lesson(own: Sequence[Crop], rng: Generator, amount: tuple[int, int]) -> list[Crop] | None:
    """Training pictures of one person, about 15 % occluded."""
    hidden, whole = (_shuffled(kind, rng) for kind in _kinds(own))
    least, most = amount
    # as many as the holistic ones allow while they are about 85 %
    count = min(most, len(own), int(len(whole) / (1 - TRAIN_OCCLUDED)) if hidden else len(whole))
    occluded = min(len(hidden), int(rng.binomial(count, TRAIN_OCCLUDED))) if count else 0
    chosen = whole[: count - occluded] + hidden[:occluded]
    return chosen if len(chosen) >= least else None


def _others(own: Sequence[Crop], rng: Generator, amount: tuple[int, int]) -> list[Crop] | None:
    """Gallery pictures of a person whom nobody asks for: so many occluded and so many holistic."""
    hidden, whole = (_shuffled(kind, rng) for kind in _kinds(own))
    if not hidden or not whole:
        return None
    low, high = amount
    return hidden[: int(rng.integers(low, high + 1))] + whole[: int(rng.integers(low, high + 1))]


def _elsewhere(crops: Sequence[Crop], query: Crop) -> list[Crop]:
    return [c for c in crops if c.camid != query.camid]


def _shuffled(crops: Sequence[Crop], rng: Generator) -> list[Crop]:
    return [crops[i] for i in rng.permutation(len(crops))]


def _pick(crops: Sequence[Crop], rng: Generator) -> Crop:
    return crops[int(rng.integers(len(crops)))]
