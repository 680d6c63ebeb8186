"""One vector per image for descriptors of several parts, so that an index can propose candidates.

Letters: N images, P parts, D dimensions.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors

_SEED = b"occreid aggregate 1"  # part of the layout: another one would make old aggregates useless


def aggregate(descriptors: Descriptors) -> Tensor:
    """Unit vectors (N, D) whose cosine estimates how alike the parts both images show are.

    Each part is L2-normalised as the distance does, its dimensions change sign by a pattern of their own, and
    the visible ones are added. Between equal parts the signs cancel out, so their cosines add up; between
    different parts they leave noise of mean 0, which is why the patterns are there (a count sketch without
    the hashing: Charikar et al., 2002). An image without a visible part becomes zero.

    >>> x = Descriptors(torch.eye(2).expand(1, 2, 2))
    >>> float(aggregate(x).norm().round(decimals=4))
    1.0
    """
    signs = part_signs(*descriptors.features.shape[1:])
    parts = normalize(descriptors.features.cpu(), dim=2) * descriptors.visibility.cpu()[..., None]
    return normalize((parts * signs).sum(1), dim=1)


def part_signs(parts: int, dim: int) -> Tensor:
    """The sign patterns (P, D) of the parts, ±1, the same for ever."""
    digest = hashlib.shake_256(_SEED).digest((parts * dim + 7) // 8)  # no generator: they change with versions
    bits = np.unpackbits(np.frombuffer(digest, np.uint8))[: parts * dim]
    return torch.from_numpy(bits.astype(np.float32) * 2 - 1).view(parts, dim)
