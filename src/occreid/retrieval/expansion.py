"""Query expansion: a query joined by its nearest gallery images.

AQE (Chum et al., "Total Recall", ICCV 2007) takes the mean; αQE (Radenović et al., "Fine-tuning CNN Image
Retrieval with No Human Annotation", TPAMI 2019, Section 3.4) weights each image by its similarity to the α.

Letters: Q queries, k neighbours, P parts, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.errors import UserError
from occreid.retrieval.search import top_k


@torch.no_grad()
def expand_queries(
    query: Descriptors, gallery: Descriptors, metric: Metric, k: int = 5, alpha: float = 0.0
) -> Descriptors:
    """New query descriptors: the weighted mean of a query (weight 1) and its k nearest gallery images.

    Ids and cameras are not looked at: they are not known when one searches. For ``cosine`` and
    ``visible_parts`` features are L2-normalised before the mean; a part is averaged over the images that show
    it, and is visible where any of them shows it.

    Args:
        query: Q descriptors.
        gallery: descriptors of the same P and D.
        metric: how to find the nearest.
        k: how many, at least 1.
        alpha: 0 for AQE; else αQE, each neighbour weighs max(cos, 0)^α.

    Returns:
        Q descriptors with the query's pids, camids and paths.

    Raises:
        UserError: k below 1, a negative α, or what `occreid.distances.distances` raises.
    """
    if alpha < 0:
        raise UserError(f"alpha={alpha} would prefer the farthest images.", "Give 0 (AQE) or more (αQE).")
    found, _ = top_k(query, gallery, metric, k, same_camera="keep")
    present, index = (found >= 0).to(query.features.device), found.clamp_min(0).to(query.features.device)
    mine, theirs = _prepared(query, metric), _prepared(gallery, metric)
    seen, shown = _shown(query, metric), _shown(gallery, metric)
    total, weight = mine * seen[..., None], seen.clone()
    for place in range(index.shape[1]):
        near, parts = theirs[index[:, place]], shown[index[:, place]]
        own = _similarity(mine, near, seen * parts, metric).clamp_min(0).pow(alpha) * present[:, place]
        share = own[:, None] * parts  # (Q, P)
        total = total + near * share[..., None]
        weight = weight + share
    visibility = weight > 0 if metric == "visible_parts" else query.visibility
    return Descriptors(total / weight.clamp_min(1e-12)[..., None], visibility, query.pids, query.camids, query.paths)


def _similarity(x: Tensor, y: Tensor, shared: Tensor, metric: Metric) -> Tensor:
    """Cosine of each pair (N,): of the whole feature, or the mean over the shared parts."""
    if metric != "visible_parts":
        return (normalize(x.flatten(1), dim=1) * normalize(y.flatten(1), dim=1)).sum(1)
    return ((x * y).sum(2) * shared).sum(1) / shared.sum(1).clamp_min(1)


def _shown(side: Descriptors, metric: Metric) -> Tensor:
    """Which parts count, (N, P) float32: only ``visible_parts`` looks at visibility."""
    seen = side.visibility.float()
    return seen if metric == "visible_parts" else torch.ones_like(seen)


def _prepared(side: Descriptors, metric: Metric) -> Tensor:
    """Features as they are averaged: (N, P, D)."""
    if metric == "cosine":
        return normalize(side.features.flatten(1), dim=1).view_as(side.features)
    return normalize(side.features, dim=2) if metric == "visible_parts" else side.features
