"""`evaluate`: CMC, mAP and mINP, exact, at the price of one matrix product and a few megabytes.

The gallery's distances to a few queries at a time are computed, the rank of every hit counted in them, and
forgotten. Letters: Q queries, G gallery images, S draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.orders import Order, map_orders
from occreid.retrieval.expansion import expand_queries
from occreid.retrieval.matches import Ints, Matches, find_matches, numbers
from occreid.retrieval.precision import APForm, average_precision, first_ranks, inverse_negative_penalty
from occreid.retrieval.protocol import Protocol
from occreid.retrieval.ranking import Ranking, single_hit_precision
from occreid.retrieval.ranks import count_before
from occreid.retrieval.rerank import rerank_rows
from occreid.retrieval.shots import draw_galleries, rank_draws


def evaluate(
    query: Descriptors,
    gallery: Descriptors,
    metric: Metric,
    same_camera: str = "junk",
    ap: APForm = "step",
    ranks: Sequence[int] = (1, 3, 5, 10, 20),
    shots: str = "multi",
    draws: int = 10,
    seed: int = 0,
) -> Ranking:
    """Rank the gallery for every query and score the ranking.

    Args:
        query: Q descriptors with pids and camids.
        gallery: G descriptors of the same P and D, with pids and camids.
        metric: how to compare two images.
        same_camera: ``"junk"``: gallery images of the query's person from the query's camera are not seen;
            ``"keep"``: they count as hits (camids are then not needed).
        ap: see `occreid.retrieval.precision.APForm`.
        ranks: at which CMC is given, each at least 1.
        shots: ``"multi"``: the whole gallery. ``"single"``: one random image per gallery person, ``draws`` times.
        draws: number of galleries drawn for ``"single"``.
        seed: of the draws.

    Returns:
        The `Ranking`. Queries without a valid match enter no number and are counted in ``num_skipped_queries``.

    Raises:
        UserError: NaN in a feature (naming the image), missing pids or camids, unknown options, or no query
            with a valid match (naming the cause).
    """
    return rank(query, gallery, Protocol(metric, same_camera, ap, shots, draws, seed, ranks=tuple(ranks)))


def rank(query: Descriptors, gallery: Descriptors, protocol: Protocol) -> Ranking:
    """`evaluate` under a protocol, with its re-ranking or query expansion.

    Args:
        query: Q descriptors with pids and camids.
        gallery: G descriptors, likewise.
        protocol: how to score; its metric is how to compare.

    Raises:
        UserError: as `evaluate`.
    """
    metric: Any = protocol.metric
    settings = dict(protocol.rerank or {"method": ""})
    if settings.pop("method") == "k-reciprocal":
        blocks = rerank_rows(query, gallery, metric, settings["k1"], settings["k2"], settings["lambda"])
        return rank_rows(blocks, query, gallery, protocol)
    if settings:
        query = expand_queries(query, gallery, metric, settings["neighbours"], settings["alpha"])
    return _score(lambda work: map_orders(query, gallery, metric, work), query, gallery, protocol)


def rank_rows(
    blocks: Iterable[tuple[int, Tensor]], query: Descriptors, gallery: Descriptors, protocol: Protocol
) -> Ranking:
    """Score distances that were computed elsewhere, e.g. re-ranked ones.

    Args:
        blocks: (start, (R, G) float32 distances of queries ``start …``), as `occreid.distances.distance_rows`
            yields them; they are written into.
        query: Q descriptors whose pids, camids and paths count; the features are not looked at.
        gallery: G descriptors, likewise.
        protocol: how to score; its metric and re-ranking say what the distances are.

    Raises:
        UserError: as `evaluate`.
    """
    return _score(lambda work: [work(start, Order.of(block)) for start, block in blocks], query, gallery, protocol)


def _score(
    each: Callable[[Callable[[int, Order], Any]], list[Any]],
    query: Descriptors,
    gallery: Descriptors,
    protocol: Protocol,
) -> Ranking:
    """`rank_rows` of pieces that ``each(work)`` hands to ``work(start, order)``."""
    matches = find_matches(query, gallery, protocol.same_camera)
    form: Any = protocol.ap
    if protocol.shots == "single":
        drawn = draw_galleries(numbers(gallery, "pids", "gallery"), matches, len(query), protocol.draws, protocol.seed)
        firsts = np.concatenate(each(lambda start, order: rank_draws(start, order.whole(), drawn)), axis=1)
        with np.errstate(divide="ignore"):
            precision = np.where(firsts > 0, single_hit_precision(firsts, form), np.nan).mean(0)
            penalty = np.where(firsts > 0, 1 / firsts, np.nan).mean(0)
    else:
        rows, found = map(np.concatenate, zip(*each(lambda at, order: _rank_hits(at, order, matches)), strict=True))
        firsts = first_ranks(rows, found, len(query))[None]
        precision = average_precision(rows, found, len(query), form)
        penalty = inverse_negative_penalty(rows, found, len(query))
    return Ranking(
        protocol,
        firsts,
        precision,
        penalty,
        numbers(query, "pids", "query"),
        None if query.camids is None else numbers(query, "camids", "query"),
        None if query.paths is None else tuple(str(path) for path in query.paths),
        {"images": len(gallery), "ids": len(np.unique(numbers(gallery, "pids", "gallery")))},
    )


def _rank_hits(start: int, order: Order, matches: Matches) -> tuple[Ints, Ints]:
    """Query and rank of every hit of the queries ``start …``, sorted by query, then rank."""
    stop = start + len(order)
    hide(order.numbers, *matches.junk(start, stop))
    rows, columns = matches.hits(start, stop)
    ranks, own = 1 + count_before(order, rows, columns), rows * (order.numbers.shape[1] + 1)
    return rows + start, np.sort(own + ranks) - own  # a rank is at most G: those of a row stay together


def hide(block: Tensor, rows: Ints, columns: Ints) -> None:
    """Put junk out of sight: NaN is neither closer than anything nor as close."""
    if block.device.type == "cpu":
        block.detach().numpy()[rows, columns] = np.nan  # a third of the time
    elif len(rows):
        block[torch.from_numpy(rows).to(block.device), torch.from_numpy(columns).to(block.device)] = torch.nan
