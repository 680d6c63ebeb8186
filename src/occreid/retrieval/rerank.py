"""k-reciprocal re-ranking (Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017).

The published formulation, on sparse neighbour lists: nothing of size N × N is ever held.

Letters: Q queries, G gallery images, N = Q + G, K neighbours of an image, V the encoding of an image as
weights over its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distance_rows, paired_distances
from occreid.errors import UserError
from occreid.factors import squares
from occreid.orders import Order, map_orders
from occreid.retrieval.matches import Ints
from occreid.retrieval.search import smallest
from occreid.retrieval.sparse import Rows, average_rows, overlap_blocks

Indices = npt.NDArray[np.int32]
_CHUNK = 2048  # images whose neighbours of neighbours are looked at together


def rerank_k_reciprocal(
    query: Descriptors, gallery: Descriptors, metric: Metric, k1: int = 20, k2: int = 6, lambda_: float = 0.3
) -> Tensor:
    """Re-ranked distances (1 − λ)·Jaccard + λ·original.

    The original distance is squared Euclidean divided by the row's maximum, as published. For ``cosine`` the
    features are of unit length, so that it is 2 − 2 cos; for ``visible_parts`` it is the square of the mean
    part distance. A pair that shares no visible part is never in a neighbourhood, and as far as the row's
    farthest pair in the final sum.

    Args:
        query: Q descriptors.
        gallery: G descriptors; images that must not influence others (Market-1501's junk) are not in it.
        metric: how to compare.
        k1: neighbours of the reciprocal sets (Section 3.2).
        k2: neighbours of the local query expansion (Section 3.4); 1 for none.
        lambda_: weight of the original distance in [0, 1] (Eq. 12).

    Returns:
        (Q, G) float32 in [0, 1] on the CPU.

    Raises:
        UserError: k1 or k2 below 1, λ outside [0, 1], or what `occreid.distances.distances` raises.
    """
    blocks = rerank_rows(query, gallery, metric, k1, k2, lambda_)
    result = torch.empty(len(query), len(gallery))
    for start, block in blocks:
        result[start : start + len(block)] = block
    return result


@torch.no_grad()
def rerank_rows(
    query: Descriptors, gallery: Descriptors, metric: Metric, k1: int = 20, k2: int = 6, lambda_: float = 0.3
) -> Iterator[tuple[int, Tensor]]:
    """`rerank_k_reciprocal` a few queries at a time, for `occreid.retrieval.rank_rows`.

    Args:
        query: as `rerank_k_reciprocal`, like all that follow.
        gallery: G descriptors.
        metric: how to compare.
        k1: neighbours.
        k2: neighbours of the expansion.
        lambda_: weight of the original distance.

    Yields:
        ``(start, (R, G) block)`` on the CPU; the caller may write into the block.

    Raises:
        UserError: as `rerank_k_reciprocal`.
    """
    if not 0 <= lambda_ <= 1:
        raise UserError(f"re-ranking with lambda={lambda_} is not defined.", "Give lambda between 0 and 1.")
    encoding, farthest = encode_neighbourhoods(Descriptors.cat([query, gallery]), metric, k1, k2)
    rows = max(16, min(512, 2**24 // max(len(gallery), 1)))
    overlaps = overlap_blocks(encoding, len(query), rows)
    for (start, block), overlap in zip(distance_rows(query, gallery, metric, rows), overlaps, strict=True):
        original = _squared(block.cpu(), metric).div_(farthest[start : start + len(block), None])
        original.nan_to_num_(nan=0.0, posinf=1.0)  # 0/0: a row of identical images
        jaccard = 1 - overlap / (2 - overlap)  # Eq. 10: rows of V sum to 1, so the union is 2 − overlap
        yield start, jaccard.mul_(1 - lambda_).add_(original, alpha=lambda_)


def encode_neighbourhoods(everyone: Descriptors, metric: Metric, k1: int, k2: int) -> tuple[Rows, Tensor]:
    """V (Eq. 7) after local query expansion, and each row's largest original distance (N,).

    Args:
        everyone: N descriptors.
        metric: how to compare.
        k1: neighbours of the reciprocal sets.
        k2: neighbours of the expansion.

    Raises:
        UserError: k1 or k2 below 1, or what `occreid.distances.distances` raises.
    """
    if k1 < 1 or k2 < 1:
        raise UserError(f"neighbourhoods with k1={k1}, k2={k2} are not defined.", "Give k1 and k2 of 1 or more.")
    neighbours, farthest = _neighbours(everyone, metric, min(max(k1 + 1, k2), len(everyone)))
    encoding = _encode(everyone, metric, neighbours, farthest, k1)
    return (average_rows(encoding, neighbours[:, :k2]) if k2 > 1 else encoding), farthest


def _squared(distance: Tensor, metric: Metric) -> Tensor:
    """The published formulation's squared Euclidean distance, up to a factor that the row maximum removes."""
    return distance if metric == "cosine" else distance.square_()


def _neighbours(everyone: Descriptors, metric: Metric, k: int) -> tuple[Indices, Tensor]:
    """The k nearest of each image, itself among them: (N, k), N where fewer are at a finite distance.

    Second result: each row's largest finite original distance (N,).
    """
    from occreid.retrieval.nearest import keep_nearest  # loading Numba takes a moment, and only re-ranking needs it

    def work(start: int, order: Order) -> tuple[Indices, Tensor]:
        if order.numbers.device.type != "cpu":
            return _nearest_on_device(order.whole(), k)
        near, farthest = np.full((len(order), k), len(everyone), np.int32), torch.empty(len(order))
        keep_nearest(order.numbers.numpy(), order.column.numpy(), order.finish, near, farthest.numpy())
        return near, farthest

    near, farthest = zip(*map_orders(everyone, everyone, metric, work), strict=True)
    highest = torch.cat(farthest)
    if metric == "euclidean":  # its order leaves out what is the same in a whole row
        return np.concatenate(near), highest.add_(squares(everyone.features.flatten(1)).cpu()).clamp_min_(0)
    return np.concatenate(near), _squared(highest.clamp_min_(0), metric)


def _nearest_on_device(block: Tensor, k: int) -> tuple[Indices, Tensor]:
    """The same of rows (R, N) without a loop over them; it writes into the block."""
    values, columns = smallest(block, k)
    near = columns.masked_fill_(values.isinf(), block.shape[1]).cpu().numpy().astype(np.int32)
    return near, block.masked_fill_(block.isinf(), -torch.inf).amax(1).cpu()


def _encode(everyone: Descriptors, metric: Metric, near: Indices, farthest: Tensor, k1: int) -> Rows:
    """V (Eq. 7): over the expanded reciprocal neighbours, e^(−distance), each row summing to 1."""
    starts, column = _expanded(near, min(k1 + 1, near.shape[1]), min(round(k1 / 2) + 1, near.shape[1]))
    row = np.repeat(np.arange(len(near)), np.diff(starts))
    original = _original(everyone, metric, starts, row, column) / farthest[row]
    weights = torch.exp(-original.nan_to_num_(nan=0.0, posinf=torch.inf)).double().numpy()
    total = np.bincount(row, weights, len(near))
    return Rows(starts, column.astype(np.int64), weights / np.where(total > 0, total, 1)[row])


def _expanded(near: Indices, k: int, half_k: int) -> tuple[Ints, Indices]:
    """R* (Eq. 5) of all images: where each one's members begin and end (N + 1,), and the members (n,), ascending."""
    from occreid.retrieval.reciprocal import expand_reciprocal, find_reciprocal

    reciprocal, half = np.empty((len(near), k), bool), np.empty((len(near), half_k), bool)
    find_reciprocal(near, k, reciprocal)
    find_reciprocal(near, half_k, half)
    counts, columns = np.empty(len(near), np.int64), []
    for start in range(0, len(near), _CHUNK):
        number = counts[start : start + _CHUNK]
        members = np.empty((len(number), k + k * half_k), np.int32)
        expand_reciprocal(start, near, reciprocal, half, number, members)
        columns.append(members[np.arange(members.shape[1]) < number[:, None]])
    return np.concatenate([[0], np.cumsum(counts)]), np.concatenate(columns)


def _original(everyone: Descriptors, metric: Metric, starts: Ints, row: Ints, column: Indices) -> Tensor:
    """The original distance of each image to its members, (n,) on the CPU."""
    x = everyone.features.flatten(1)
    if metric == "euclidean" and x.device.type == "cpu":
        from occreid.retrieval.reciprocal import squared_lengths_apart

        squared = torch.empty(len(column))
        squared_lengths_apart(x.contiguous().numpy(), starts, column, squared.numpy())
        return squared
    pairs = (torch.from_numpy(i.astype(np.int64)).to(x.device) for i in (row, column))
    return _squared(paired_distances(everyone, everyone, metric, *pairs).cpu(), metric)
