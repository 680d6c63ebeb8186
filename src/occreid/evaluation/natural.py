"""Does the ranking follow the occluder, where a benchmark says what hides whom? Nothing is pasted.

For each query behind a known occluder: right pictures that do not share it, and wrong pictures of two groups, those
that share it and those that stand behind something else. What sharing adds to how often a wrong picture beats a right
one is the score of `occreid.evaluation.clever_hans`; unlike there the two groups are different pictures, of different
persons and places, so only many of them tell.

Occluders are shared by *kind* (both stand behind a bin) or by *id* (both stand behind the same bin, against another
bin). Things of one kind hide the same parts of a body, and a model that merely suffers from that is counted as
fooled by kind; by id both groups lack the same parts, and only the look of the thing is left.

Letters: Q queries, G gallery pictures, R right pictures of a query, T queries that count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distance_rows
from occreid.errors import UserError, did_you_mean
from occreid.evaluation.clever_hans_score import Floats, Scored, comes_first
from occreid.records import Record
from occreid.retrieval.matches import Ints, find_matches, numbers

By = Literal["kind", "id"]
"""What sharing an occluder means."""
NOTHING = ""
"""The kind and id where nothing hides the person; unknown ones are None."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Occluders:
    """What hides the person in each of N pictures.

    Attributes:
        kinds: ``"bin"``, `NOTHING`, or None where it is not known.
        ids: ``"bin-07"``, `NOTHING`, or None.
    """

    kinds: tuple[str | None, ...]
    ids: tuple[str | None, ...]

    @staticmethod
    def of(records: Sequence[Record]) -> Occluders:
        """What the records say; one that calls itself holistic has nothing before it.

        >>> from pathlib import Path
        >>> bin7 = Record(Path("a"), 1, 0, occluded=True, occluder_kind="bin", occluder_id="bin-07")
        >>> Occluders.of([bin7, Record(Path("b"), 1, 0, occluded=False), Record(Path("c"), 1, 0)])
        Occluders(kinds=('bin', '', None), ids=('bin-07', '', None))
        """
        nothing = [NOTHING if r.occluded is False else None for r in records]
        return Occluders(
            tuple(r.occluder_kind or known for r, known in zip(records, nothing, strict=True)),
            tuple(r.occluder_id or known for r, known in zip(records, nothing, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class NaturalHans(Scored):
    """The outcome over T queries.

    Attributes:
        by: what sharing meant.
        queries: (T,) numbers of the queries that count.
        pids: (T,) their persons.
        shared: (T,) how often a wrong picture that shares the occluder beat a right one, mean over pairs, ties ½.
        other: (T,) the same for wrong pictures that do not.
        shared_pairs, other_pairs: (T,) how many pairs (right, wrong) these means are over.
    """

    by: By
    queries: Ints
    pids: Ints
    shared: Floats
    other: Floats
    shared_pairs: Ints
    other_pairs: Ints

    @property
    def persons(self) -> Ints:
        """(T,) whose query each was."""
        return self.pids

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Its figures, ready for JSON; ``seed`` is of the interval."""
        return {
            "by": self.by,
            "queries": len(self.queries),
            "persons": len(set(self.pids.tolist())),
            "shared_pairs": int(self.shared_pairs.sum()),
            "other_pairs": int(self.other_pairs.sum()),
            "score": self.score,
            "interval": self.interval(seed=seed),
            "fooled": self.fooled,
            "fooled_anyway": self.fooled_anyway,
        }


def natural_clever_hans(
    query: Descriptors,
    gallery: Descriptors,
    query_occluders: Occluders,
    gallery_occluders: Occluders,
    metric: Metric,
    same_camera: str = "junk",
    by: By = "kind",
) -> NaturalHans:
    """Compare wrong pictures that share the query's occluder with wrong ones that do not.

    A right picture is one that counts as a hit in evaluation and is known to stand behind nothing or another kind of
    thing. A wrong one is known to stand behind something: of the same kind or another (by kind), or the same thing or
    another of its kind (by id). Queries without a right one and a wrong one of either group do not count.

    Args:
        query: Q descriptors with pids, and camids where the camera rule asks for them; refined, if the method does so.
        gallery: G descriptors likewise.
        query_occluders: of the Q queries.
        gallery_occluders: of the G pictures.
        metric: how the model compares.
        same_camera: the benchmark's camera rule, see `occreid.retrieval.evaluate`.
        by: what sharing means.

    Raises:
        UserError: the benchmark does not say what hides whom, no query has what it takes, labels do not fit the
            descriptors, or what evaluation refuses.
    """
    if by not in get_args(By):
        raise UserError(f"occluders are not shared by '{by}'.", did_you_mean(by, get_args(By)))
    kinds, ids, own_kinds, own_ids = _numbered(query, gallery, query_occluders, gallery_occluders, by)
    hits = find_matches(query, gallery, same_camera)
    query_pids, gallery_pids = numbers(query, "pids", "query"), numbers(gallery, "pids", "gallery")
    rows: list[tuple[float, ...]] = []
    for start, block in distance_rows(query, gallery, metric):
        hit_rows, hit_columns = hits.hits(start, start + len(block))
        for row, far in enumerate(block.cpu().numpy(), start):
            right = hit_columns[hit_rows == row - start]
            right = right[(kinds[right] >= 0) & (kinds[right] != own_kinds[row])]
            wrong = (gallery_pids != query_pids[row]) & (kinds > 0)
            same_kind = kinds == own_kinds[row]  # of no wrong picture where the query's is unknown or nothing
            if by == "kind":
                shares, differs = wrong & same_kind, wrong & ~same_kind
            else:
                wrong &= same_kind & (ids > 0)
                shares, differs = wrong & (ids == own_ids[row]), wrong & (ids != own_ids[row])
            if len(right) and shares.any() and differs.any():
                rows.append((row, *_wins(far, right, shares), *_wins(far, right, differs)))
    if not rows:
        raise UserError(
            f"no query has a right picture without its occluder and wrong ones with and without it (by {by}).",
            "Choose a larger benchmark, --natural kind instead of id, or paste things: leave --natural out.",
        )
    queries, shared, shared_pairs, other, other_pairs = np.array(rows).T
    chosen = queries.astype(np.int64)
    pairs = shared_pairs.astype(np.int64), other_pairs.astype(np.int64)
    return NaturalHans(by, chosen, query_pids[chosen], shared, other, *pairs)


def _wins(far: NDArray[np.float32], right: Ints, wrong: Bools) -> tuple[float, int]:
    """How often a wrong picture beats a right one, and of how many pairs; ``far`` (G,) are distances to the query."""
    won = comes_first(far[wrong], far[right][:, None])  # (R, wrong ones)
    return float(won.mean()), won.size


def _numbered(
    query: Descriptors, gallery: Descriptors, query_occluders: Occluders, gallery_occluders: Occluders, by: str
) -> tuple[Ints, Ints, Ints, Ints]:
    """Kinds and ids of the gallery, then of the queries, as numbers: −1 unknown, 0 nothing, else what it is."""
    sides = (gallery, gallery_occluders), (query, query_occluders)
    for side, known in sides:
        if not len(side) == len(known.kinds) == len(known.ids):
            raise UserError(
                f"{len(known.kinds)} occluders do not fit {len(side)} pictures.", "Give those of the same records."
            )
    labels = query_occluders.kinds if by == "kind" else query_occluders.ids
    if not any(labels):
        raise UserError(
            f"the benchmark does not say what hides the persons of its queries (their occluders' {by}).",
            "Use one that does, such as occsynth, or paste things: leave --natural out.",
        )

    def numbered(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> tuple[Ints, Ints]:
        names = sorted({name for name in (*one, *other) if name})
        number = {None: -1, NOTHING: 0, **{name: place for place, name in enumerate(names, 1)}}
        return np.array([number[n] for n in one], np.int64), np.array([number[n] for n in other], np.int64)

    kinds, own_kinds = numbered(gallery_occluders.kinds, query_occluders.kinds)
    ids, own_ids = numbered(gallery_occluders.ids, query_occluders.ids)
    return kinds, ids, own_kinds, own_ids
