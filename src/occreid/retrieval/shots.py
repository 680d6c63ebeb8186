"""Single-gallery-shot: the gallery holds one random image of each person, several times over.

Letters: Q queries, G gallery images, S draws, I gallery persons, R queries of one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from occreid.retrieval.matches import Ints, Matches


@dataclass(frozen=True, slots=True)
class Draws:
    """The galleries drawn.

    Attributes:
        images: (S, I) the image that stands for each gallery person, persons sorted by pid.
        own: (S, Q) the query's own person is stood for by one of its *valid* images; −1 where there is none.
        person: (Q,) position of the query's person among the I, −1 where it is not in the gallery.
    """

    images: Ints
    own: Ints
    person: Ints


def draw_galleries(gallery_pids: Ints, matches: Matches, num_queries: int, draws: int, seed: int) -> Draws:
    """Draw S galleries; the same seed gives the same galleries."""
    generator = np.random.default_rng(seed)
    pids, owner = np.unique(gallery_pids, return_inverse=True)
    by_person = np.argsort(owner, kind="stable")
    first, count = _runs(owner[by_person], len(pids))
    hits_first, hits_count = _runs(matches.hit_rows, num_queries)
    images, own = np.empty((draws, len(pids)), np.int64), np.full((draws, num_queries), -1)
    for draw in range(draws):
        images[draw] = by_person[first + generator.integers(0, count)]
        chosen = hits_first + generator.integers(0, np.maximum(hits_count, 1))
        own[draw, hits_count > 0] = matches.hit_columns[chosen[hits_count > 0]]
    person = np.full(num_queries, -1)
    person[matches.hit_rows] = owner[matches.hit_columns]
    return Draws(images, own, person)


def rank_draws(start: int, block: Tensor, drawn: Draws) -> Ints:
    """Rank of the one hit of the queries ``start …`` in each drawn gallery: (S, R), 0 for one without a valid match.

    Args:
        start: number of the first query.
        block: (R, G) float32 distances of these queries to the whole gallery.
        drawn: the galleries.
    """
    own, persons = drawn.own[:, start : start + len(block)], drawn.person[start : start + len(block)]
    ranks = np.zeros(own.shape, np.int64)
    queries = np.flatnonzero(persons >= 0)
    rows = torch.from_numpy(queries).to(block.device)
    person = torch.from_numpy(persons[queries]).to(block.device)
    for draw in range(len(ranks)):
        images = torch.from_numpy(drawn.images[draw]).to(block.device)
        hit = torch.from_numpy(own[draw, queries]).to(block.device)
        others = block[rows[:, None], images[None]]
        others[torch.arange(len(rows), device=block.device), person] = torch.nan
        distance = block[rows, hit][:, None]
        ahead = (others < distance) | ((others == distance) & (images[None] < hit[:, None]))
        ranks[draw, queries] = 1 + ahead.sum(1).cpu().numpy()
    return ranks


def _runs(sorted_keys: Ints, num_keys: int) -> tuple[Ints, Ints]:
    """Where each key 0 … K − 1 starts in a sorted list, and how often it occurs."""
    count = np.bincount(sorted_keys, minlength=num_keys)
    return np.cumsum(count) - count, count
