"""How well a distance separates pairs of one person from pairs of two.

Letters: Q queries, G gallery images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from occreid.descriptors import Descriptors
from occreid.retrieval import Metric, SameCamera, distance_rows
from occreid.retrieval.matches import find_matches

FEWEST, MOST = 12, 60
"""Bins of a histogram: the square root of the number of matching pairs, within these."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Distances of the pairs that count, as two histograms over the same bins.

    Attributes:
        edges: (n + 1,) of n bins.
        same, other: (n,) number of pairs of one person and of two.
        without_distance: pairs without a distance, because they share no visible part.
        overlap: Σ min of the two histograms' shares, in [0, 1]: 0 where a threshold would tell all pairs apart.
        queries: how many queries the pairs are of.
    """

    edges: np.ndarray
    same: np.ndarray
    other: np.ndarray
    without_distance: int
    overlap: float
    queries: int


def separate(
    query: Descriptors, gallery: Descriptors, metric: str, same_camera: str, *, most: int = 400, seed: int = 0
) -> Separation:
    """Histograms of the distances of matching and of other pairs; pairs that the camera rule sets aside are left out.

    Args:
        query: Q descriptors with pids and camids.
        gallery: G descriptors likewise.
        metric: their distance.
        same_camera: ``"junk"`` or ``"keep"``.
        most: queries to look at; of more, so many are drawn.
        seed: of that choice.

    Raises:
        UserError: no query has a valid match.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(query))[:most])
    chosen = query[torch.from_numpy(rows)]
    matches = find_matches(chosen, gallery, cast(SameCamera, same_camera))
    distances = np.empty((len(rows), len(gallery)), np.float32)
    for start, block in distance_rows(chosen, gallery, cast(Metric, metric)):
        distances[start : start + len(block)] = block.cpu().numpy()
    same = distances[matches.hit_rows, matches.hit_columns]
    others = np.ones(distances.shape, bool)
    others[matches.hit_rows, matches.hit_columns] = False
    others[matches.junk_rows, matches.junk_columns] = False
    other = distances[others]
    without_distance = int((~np.isfinite(same)).sum() + (~np.isfinite(other)).sum())
    same, other = same[np.isfinite(same)], other[np.isfinite(other)]
    both = np.concatenate([same, other])
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    bins = int(np.clip(np.sqrt(len(same)), FEWEST, MOST))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts = [np.histogram(values, edges)[0] for values in (same, other)]
    shares = [count / max(count.sum(), 1) for count in counts]
    return Separation(edges, counts[0], counts[1], without_distance, float(np.minimum(*shares).sum()), len(rows))
