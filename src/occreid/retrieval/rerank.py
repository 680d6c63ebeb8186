"""k-reciprocal re-ranking (Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017).

The published formulation, on sparse neighbour lists: nothing of size N × N is ever held.

Letters: Q queries, G gallery images, N = Q + G, K neighbours of an image, V the encoding of an image as
weights over its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distance_rows, paired_distances
from occreid.errors import UserError
from occreid.retrieval.matches import Ints
from occreid.retrieval.search import smallest
from occreid.retrieval.sparse import Rows, average_rows, overlap_blocks

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


def _neighbours(everyone: Descriptors, metric: Metric, k: int) -> tuple[np.ndarray, Tensor]:
    """The k nearest of each image, itself among them: (N, k), N where fewer are at a finite distance.

    Second result: each row's largest finite original distance (N,).
    """
    neighbours = np.empty((len(everyone), k), np.int32)
    farthest = torch.empty(len(everyone))
    for start, block in distance_rows(everyone, everyone, metric):
        stop = start + len(block)
        values, order = smallest(block, k)
        neighbours[start:stop] = order.masked_fill_(values.isinf(), len(everyone)).cpu().numpy()
        highest = block.amax(1)
        if highest.isinf().any():
            highest = block.masked_fill_(block.isinf(), -torch.inf).amax(1)
        farthest[start:stop] = highest.cpu()
    return neighbours, _squared(farthest.clamp_min_(0), metric)


def _encode(everyone: Descriptors, metric: Metric, neighbours: Ints, farthest: Tensor, k1: int) -> Rows:
    """V (Eq. 7): over the expanded reciprocal neighbours, e^(−distance), each row summing to 1."""
    near, nearer = neighbours[:, : k1 + 1], neighbours[:, : round(k1 / 2) + 1]
    reciprocal, half = _reciprocal(near), _reciprocal(nearer)
    counts, columns = [], []
    for start in range(0, len(near), _CHUNK):
        rows = slice(start, start + _CHUNK)
        members = _expanded(near[rows], reciprocal[rows], _with_nobody(nearer), _with_nobody(half), len(near))
        present = members < len(near)
        counts.append(present.sum(1))
        columns.append(members[present])
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    column = np.concatenate(columns)
    row = np.repeat(np.arange(len(near)), np.diff(starts))
    device = everyone.features.device
    pairs = (torch.from_numpy(i.astype(np.int64)).to(device) for i in (row, column))
    original = _squared(paired_distances(everyone, everyone, metric, *pairs).cpu(), metric) / farthest[row]
    weights = torch.exp(-original.nan_to_num_(nan=0.0, posinf=torch.inf)).double().numpy()
    total = np.bincount(row, weights, len(near))
    return Rows(starts, column, weights / np.where(total > 0, total, 1)[row])


def _reciprocal(near: Ints) -> np.ndarray:
    """(N, K) bool: whether each neighbour counts the image among its own first K (Eq. 3)."""
    result = np.empty(near.shape, bool)
    lists = _with_nobody(near)
    for start in range(0, len(near), _CHUNK):
        rows = slice(start, start + _CHUNK)
        own = np.arange(start, start + len(near[rows]))[:, None, None]
        result[rows] = (lists[near[rows]] == own).any(2)
    return result


def _with_nobody(lists: np.ndarray) -> np.ndarray:
    """One more row, for the absent image N: nobody's neighbour (−1), or False."""
    return np.concatenate([lists, np.full_like(lists[:1], False if lists.dtype == bool else -1)])


def _expanded(near: Ints, reciprocal: np.ndarray, nearer: Ints, half: np.ndarray, absent: int) -> Ints:
    """R* (Eq. 5) of some images: (n, K + K·K′) sorted members, once each; other places hold ``absent``.

    A neighbour's own half-size reciprocal set is joined where more than two thirds of it are already in R.
    """
    mine = np.where(reciprocal, near, absent)  # (n, K)
    theirs = np.where(half[near] & reciprocal[:, :, None], nearer[near], absent)  # (n, K, K')
    known = np.zeros(theirs.shape, bool)
    for place in range(mine.shape[1]):
        known |= theirs == mine[:, place, None, None]
    known &= theirs < absent
    joined = 3 * known.sum(2) > 2 * (theirs < absent).sum(2)
    theirs = np.where(joined[:, :, None], theirs, absent).reshape(len(near), -1)
    members = np.sort(np.concatenate([mine, theirs], axis=1), axis=1)
    members[:, 1:][members[:, 1:] == members[:, :-1]] = absent
    return members
