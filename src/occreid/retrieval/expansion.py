"""Query expansion: a query joined by its nearest gallery images.

AQE (Chum et al., "Total Recall", ICCV 2007) takes the mean; αQE (Radenović et al., "Fine-tuning CNN Image
Retrieval with No Human Annotation", TPAMI 2019, Section 3.4) weights each image by its similarity to the α.

Letters: Q queries, k neighbours, P parts, D dimensions.
"""

from __future__ import annotations

import torch
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
    present, index = found >= 0, found.clamp_min(0).to(gallery.features.device)
    mine, theirs = _prepared(query, metric), _prepared(gallery, metric)
    seen = query.visibility.float()  # (Q, P)
    total, weight = mine * seen[..., None], seen.clone()
    for place in range(index.shape[1]):
        near, shown = theirs[index[:, place]], gallery.visibility[index[:, place]].float()
        shared = (seen * shown)[..., None]
        similarity = ((normalize(mine, dim=2) * shared) * (normalize(near, dim=2) * shared)).sum((1, 2))
        similarity = similarity / shared.sum((1, 2)).clamp_min(1)
        if metric != "visible_parts":  # all parts are one long feature
            similarity = (normalize(mine.flatten(1), dim=1) * normalize(near.flatten(1), dim=1)).sum(1)
        own = similarity.clamp_min(0).pow(alpha) * present[:, place].to(similarity.device)
        share = own[:, None] * shown  # (Q, P)
        total = total + near * share[..., None]
        weight = weight + share
    return Descriptors(total / weight.clamp_min(1e-12)[..., None], weight > 0, query.pids, query.camids, query.paths)


def _prepared(side: Descriptors, metric: Metric) -> torch.Tensor:
    """Features as they are averaged: (N, P, D)."""
    if metric == "cosine":
        return normalize(side.features.flatten(1), dim=1).view_as(side.features)
    return normalize(side.features, dim=2) if metric == "visible_parts" else side.features
