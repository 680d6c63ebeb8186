"""k-reciprocal Jaccard distances within one set of images, as sparse pairs: what clustering works on.

Letters: N images, n pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.retrieval.matches import Ints
from occreid.retrieval.precision import Floats
from occreid.retrieval.rerank import encode_neighbourhoods
from occreid.retrieval.sparse import Rows, overlap_blocks


@dataclass(frozen=True, slots=True)
class ClosePairs:
    """The pairs of N images that are closer than a limit: n rows, columns and distances; each image with itself too."""

    num_images: int
    rows: Ints
    columns: Ints
    distances: Floats


@torch.no_grad()
def close_pairs(images: Descriptors, metric: Metric, *, k1: int = 20, k2: int = 6, limit: float = 0.6) -> ClosePairs:
    """Pairs with a Jaccard distance of k-reciprocal neighbourhoods (Zhong et al., CVPR 2017, Eq. 10) up to a limit.

    Args:
        images: N descriptors.
        metric: how to compare.
        k1: neighbours of the reciprocal sets.
        k2: neighbours of the local query expansion; 1 for none.
        limit: largest distance, in (0, 1): two images without a common neighbour are at 1.

    Raises:
        UserError: k1 or k2 below 1, or what `occreid.distances.distances` raises.
    """
    encoding, _ = encode_neighbourhoods(images, metric, k1, k2)
    # queries and gallery are the same images here; `overlap_blocks` wants the one behind the other
    twice = Rows(
        np.concatenate([encoding.starts, encoding.starts[-1] + encoding.starts[1:]]),
        np.tile(encoding.columns, 2),
        np.tile(encoding.weights, 2),
    )
    rows, columns, distances, start = [], [], [], 0
    for overlap in overlap_blocks(twice, len(images), max(16, min(512, 2**24 // max(len(images), 1)))):
        jaccard = (1 - overlap / (2 - overlap)).numpy()
        row, column = np.nonzero(jaccard <= limit)
        rows.append(row + start)
        columns.append(column)
        distances.append(jaccard[row, column].clip(0))
        start += len(jaccard)
    return ClosePairs(len(images), np.concatenate(rows), np.concatenate(columns), np.concatenate(distances))
