"""Single-gallery-shot: the gallery holds one random image of each person, several times over.

Letters: Q queries, G gallery images, S draws, I gallery persons, R queries of one piece.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def rank_draws(blocks: Iterable[tuple[int, Tensor]], drawn: Draws, matches: Matches) -> Ints:
    """Rank of the one hit of each query in each drawn gallery: (S, Q), 0 for a query without a valid match."""
    ranks = np.zeros(drawn.own.shape, np.int64)
    for start, block in blocks:
        stop = start + len(block)
        queries = np.flatnonzero(drawn.person[start:stop] >= 0)
        rows = torch.from_numpy(queries).to(block.device)
        person = torch.from_numpy(drawn.person[start:stop][queries]).to(block.device)
        for draw in range(len(ranks)):
            images = torch.from_numpy(drawn.images[draw]).to(block.device)
            hit = torch.from_numpy(drawn.own[draw, start:stop][queries]).to(block.device)
            others = block[rows[:, None], images[None]]
            others[torch.arange(len(rows), device=block.device), person] = torch.nan
            distance = block[rows, hit][:, None]
            ahead = (others < distance) | ((others == distance) & (images[None] < hit[:, None]))
            ranks[draw, start + queries] = 1 + ahead.sum(1).cpu().numpy()
    return ranks


def _runs(sorted_keys: Ints, num_keys: int) -> tuple[Ints, Ints]:
    """Where each key 0 … K − 1 starts in a sorted list, and how often it occurs."""
    count = np.bincount(sorted_keys, minlength=num_keys)
    return np.cumsum(count) - count, count
