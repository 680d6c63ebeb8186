"""Ranked lists: a query, what a method returned for it, and whether that was right.

Letters: Q queries, G gallery images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.records import Record
from occreid.report.pictures import Picture, picture
from occreid.retrieval import Metric, Protocol, SameCamera, top_k


@dataclass(frozen=True, slots=True)
class Hit:
    """One returned gallery image: its rank from 1, its distance, and whether it shows the query's person."""

    rank: int
    distance: float
    correct: bool
    picture: Picture


@dataclass(frozen=True, slots=True)
class RankedList:
    """A query and its first returned images.

    Attributes:
        method: who ranked.
        query: the query's picture.
        average_precision: of the whole ranking, in [0, 1].
        hits: nearest first; fewer than asked for where the gallery has fewer.
    """

    method: str
    query: Picture
    average_precision: float
    hits: tuple[Hit, ...]

    @property
    def summary(self) -> str:
        """What the list shows, in words."""
        right = [hit.rank for hit in self.hits if hit.correct]
        if not right:
            return f"no match among the first {len(self.hits)}"
        ranks = ", ".join(str(rank) for rank in right)
        return f"right at rank{'s' if len(right) > 1 else ''} {ranks}"


def pick_queries(
    average_precision: Sequence[float], *, best: int = 3, worst: int = 3, random: int = 3, seed: int = 0
) -> dict[str, list[int]]:
    """Choose the queries a report shows: the best, the worst, and some drawn at random from the rest.

    Args:
        average_precision: of each of Q queries in [0, 1]; NaN where a query has no valid match (never picked).
        best: how many of the highest AP.
        worst: how many of the lowest AP; fewer of each are given when there are fewer queries.
        random: how many of the others.
        seed: of the random choice.

    Returns:
        ``{"random": [...], "worst": [...], "best": [...]}`` of query rows, none twice.

    >>> pick_queries([0.5, 1.0, float("nan"), 0.1], best=1, worst=1, random=1)
    {'random': [0], 'worst': [3], 'best': [1]}
    """
    valid = [row for row, value in enumerate(average_precision) if not math.isnan(value)]
    generator = np.random.default_rng(seed)
    shuffled = [valid[i] for i in generator.permutation(len(valid))]  # so that ties are not always the first files
    order = sorted(shuffled, key=lambda row: average_precision[row])
    low = order[:worst]
    high = [row for row in reversed(order) if row not in low][:best]
    rest = [row for row in shuffled if row not in low and row not in high]
    return {"random": sorted(rest[:random]), "worst": low, "best": high}


def pick_differing(average_precisions: Sequence[Sequence[float]], count: int = 3) -> list[int]:
    """The queries in which several rankings differ most in AP; none in which they agree.

    Args:
        average_precisions: of each ranking, the AP of each of Q queries; NaN where a query has no valid match.
        count: how many.

    >>> pick_differing([[0.5, 1.0, 0.2], [0.5, 0.4, 0.3]])
    [1, 2]
    """
    values = np.asarray(average_precisions, dtype=float)  # (runs, Q)
    spread = np.nan_to_num(values.max(0) - values.min(0))
    order = np.argsort(-spread, kind="stable")[:count]
    return [int(row) for row in order if spread[row] > 0]


def ranked_list(
    method: str,
    row: int,
    query: Descriptors,
    gallery: Descriptors,
    query_records: Sequence[Record],
    gallery_records: Sequence[Record],
    *,
    protocol: Protocol,
    average_precision: float = math.nan,
    k: int = 10,
) -> RankedList:
    """The first ``k`` gallery images of one query.

    Args:
        method: who ranked, as the page calls it.
        row: of the query.
        query: Q descriptors in the order of their records.
        gallery: G descriptors likewise.
        query_records: Q images.
        gallery_records: G images.
        protocol: of the evaluation: its distance and its camera rule (images that one sets aside are not
            shown). The list is the one before re-ranking.
        average_precision: of this query, where it is known.
        k: how many to show.

    Raises:
        UserError: an image is missing or unreadable, or descriptors and records do not fit together.
    """
    for part, described, records in (("query", query, query_records), ("gallery", gallery, gallery_records)):
        if len(described) != len(records):
            raise UserError(
                f"{len(described)} {part} descriptors do not fit {len(records)} {part} records.",
                "Extract the descriptors from these records, in their order.",
            )
    metric, rule = cast(Metric, protocol.metric), cast(SameCamera, protocol.same_camera)
    indices, distances = top_k(query[row : row + 1], gallery, metric, k, rule)
    asked = query_records[row]
    hits = []
    for rank, (index, distance) in enumerate(zip(indices[0].tolist(), distances[0].tolist(), strict=True), start=1):
        if index < 0:
            break  # the gallery holds fewer than k images that count
        found = gallery_records[index]
        correct = found.pid == asked.pid
        verdict = "right" if correct else "wrong"
        shown = picture(found, role=f"rank {rank}, {verdict}")
        hits.append(Hit(rank, float(distance), correct, shown))
    return RankedList(method, picture(asked, role="query"), average_precision, tuple(hits))
