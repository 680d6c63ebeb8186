"""Results by kind of query: occluded or holistic, by occluder, by visible fraction, by pair of cameras.

Letters: Q queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.errors import UserError
from occreid.records import Record
from occreid.retrieval.evaluate import evaluate
from occreid.retrieval.matches import numbers, same_person
from occreid.retrieval.ranking import Ranking

VISIBLE_BINS = (0.25, 0.5, 0.75)
"""Where the visible fraction is cut; a fraction on a cut belongs to the bin above it."""


def query_labels(records: Sequence[Record]) -> dict[str, list[str | None]]:
    """How the records divide the queries: kind of division → the label of each of Q queries.

    ``occlusion``: occluded or holistic; ``occluder``: its kind; ``visible``: the mean of the parts' visible
    fractions, in bins. Only divisions that at least one record carries; None where a record does not.

    >>> from pathlib import Path
    >>> query_labels([Record(Path("a"), 1, 0, occluded=True), Record(Path("b"), 1, 1)])
    {'occlusion': ['occluded', None]}
    """
    divisions = {
        "occlusion": [None if r.occluded is None else "occluded" if r.occluded else "holistic" for r in records],
        "occluder": [r.occluder_kind for r in records],
        "visible": [None if r.visibility is None else _bin(float(np.mean(r.visibility))) for r in records],
    }
    return {name: labels for name, labels in divisions.items() if any(label is not None for label in labels)}


def by_subset(ranking: Ranking, labels: Sequence[str | None]) -> dict[str, Ranking]:
    """Split a ranking by the labels of its queries; the gallery stays whole.

    Args:
        ranking: of Q queries.
        labels: Q labels; a query labelled None is in no subset.

    Returns:
        Label → ranking of its queries, labels sorted.

    Raises:
        UserError: another number of labels than queries.
    """
    if len(labels) != len(ranking.query_pids):
        raise UserError(
            f"{len(labels)} labels do not fit {len(ranking.query_pids)} queries.", "Give one label per query."
        )
    known = sorted({label for label in labels if label is not None})
    return {label: ranking.select(np.array([own == label for own in labels])) for label in known}


def by_camera_pair(
    query: Descriptors,
    gallery: Descriptors,
    metric: Metric,
    same_camera: str = "junk",
    **options: Any,
) -> Mapping[tuple[int, int], Ranking]:
    """Evaluate every pair (query camera, gallery camera) by itself: only that camera's images are in the gallery.

    Args:
        query: Q descriptors with pids and camids.
        gallery: descriptors with pids and camids.
        metric: how to compare.
        same_camera: as `evaluate`; under ``"junk"`` a camera is not paired with itself.
        options: of `evaluate`, e.g. ``ap`` and ``ranks``.

    Returns:
        Pairs that have a query with a match, sorted.

    Raises:
        UserError: as `evaluate`.
    """
    query_cameras, gallery_cameras = numbers(query, "camids", "query"), numbers(gallery, "camids", "gallery")
    rows, columns = same_person(numbers(query, "pids", "query"), numbers(gallery, "pids", "gallery"))
    pairs = sorted(set(zip(query_cameras[rows].tolist(), gallery_cameras[columns].tolist(), strict=True)))
    assert query.camids is not None and gallery.camids is not None  # numbers() has made sure
    return {
        (one, other): evaluate(
            query[query.camids == one], gallery[gallery.camids == other], metric, same_camera, **options
        )
        for one, other in pairs
        if same_camera == "keep" or one != other
    }


def _bin(fraction: float) -> str:
    edges = (0.0, *VISIBLE_BINS, 1.0)
    place = int(np.searchsorted(VISIBLE_BINS, fraction, side="right"))
    return f"{100 * edges[place]:.0f}–{100 * edges[place + 1]:.0f} %"
