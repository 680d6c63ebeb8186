"""The k nearest gallery images of each query, streamed.

Letters: Q queries, G gallery images.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distance_rows
from occreid.errors import UserError
from occreid.retrieval.matches import junk_pairs


@torch.no_grad()
def top_k(
    query: Descriptors, gallery: Descriptors, metric: Metric, k: int, same_camera: str = "junk"
) -> tuple[Tensor, Tensor]:
    """The k nearest gallery images of each query, nearest first; equal distances in gallery order.

    Args:
        query: Q descriptors.
        gallery: G descriptors.
        metric: how to compare.
        k: how many, at least 1; beyond G the rest is padding.
        same_camera: ``"junk"`` leaves out images of the query's person from its camera (where both sides carry
            pids and camids), ``"keep"`` none.

    Returns:
        Gallery indices (Q, k) int64 and distances (Q, k) float32 on the CPU; where fewer than k images can be
        returned, −1 and +∞. An image at distance +∞ shares nothing with the query and is never returned.

    Raises:
        UserError: k below 1, or what `occreid.distances.distances` raises.
    """
    if k < 1:
        raise UserError(f"cannot return {k} images.", "Ask for at least 1.")
    rows, columns = junk_pairs(query, gallery, same_camera)
    indices = torch.full((len(query), k), -1, dtype=torch.int64)
    nearest = torch.full((len(query), k), torch.inf)
    for start, block in distance_rows(query, gallery, metric):
        first, last = np.searchsorted(rows, (start, start + len(block)))
        block[rows[first:last] - start, columns[first:last]] = torch.inf
        values, order = smallest(block, min(k, len(gallery)))
        stop = start + len(block)
        nearest[start:stop, : values.shape[1]] = values.cpu()
        indices[start:stop, : values.shape[1]] = order.masked_fill(values.isinf(), -1).cpu()
    return indices, nearest


def smallest(block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of each row, ascending, ties by column; `torch.topk` promises nothing about ties."""
    if not k:
        return block[:, :0], torch.empty(len(block), 0, dtype=torch.int64, device=block.device)
    values, order = block.topk(min(k + 1, block.shape[1]), dim=1, largest=False)
    values, order, beyond = values[:, :k], order[:, :k], values[:, k:]
    edge = values[:, -1:]
    # where more than one choice of k exists (the next value is the k-th once more), take the leftmost
    ambiguous = (beyond == edge) & edge.isfinite()
    for row in ambiguous.any(1).nonzero().flatten().tolist():
        inner = (block[row] < edge[row]).nonzero().flatten()
        outer = (block[row] == edge[row]).nonzero().flatten()[: k - len(inner)]
        order[row] = torch.cat([inner, outer])
        values[row] = block[row, order[row]]
    by_index = order.argsort(1)
    order, values = order.gather(1, by_index), values.gather(1, by_index)
    by_value = values.argsort(dim=1, stable=True)
    return values.gather(1, by_value), order.gather(1, by_value)
