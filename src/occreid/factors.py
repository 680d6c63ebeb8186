"""What is worked out once for each image, so that a matrix product gives the distances of all pairs.

Letters: N and M images on the two sides, P parts, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError


def squares(x: Tensor) -> Tensor:
    """Squared lengths along the last dimension, as many rows at a time as stay in the processor's cache."""
    rows = max(1, 2**16 // max(1, x[:1].numel()))
    return torch.cat([(piece * piece).sum(-1) for piece in x.split(rows)])


def inverse_lengths(x: Tensor) -> Tensor:
    """One over the length along the last dimension; 10¹² for a zero vector, whose products are 0 anyway."""
    return 1 / torch.linalg.vector_norm(x, dim=-1).clamp_min(1e-12)


def left_parts(x: Tensor, visible: Tensor) -> Tensor:
    """(P, N, D + 2): −2x, |x|², 1 of each part (N, P, D) where visible (N, P), else zeros.

    Its product with `right_parts`, part by part, is |x|² + |y|² − 2 x·y where both show the part, else 0.
    """
    ones = torch.ones_like(visible)
    return (torch.cat([-2 * x, squares(x)[..., None], ones[..., None]], 2) * visible[..., None]).transpose(0, 1)


def right_parts(y: Tensor, visible: Tensor) -> Tensor:
    """(P, M, D + 2): y, 1, |y|² of each part (M, P, D) where visible (M, P), else zeros; see `left_parts`."""
    ones = torch.ones_like(visible)
    return (torch.cat([y, ones[..., None], squares(y)[..., None]], 2) * visible[..., None]).transpose(0, 1)


def require_lengths(side: Descriptors, squared: Tensor) -> None:
    """Raise a `UserError` unless all squared lengths of a side's features, or of their parts, are finite.

    One number for an image or part is enough to look at: a NaN or an infinity spoils its length.
    """
    if not squared.isfinite().all():
        side.require_finite()
        raise UserError("a feature is longer than float32 can square.", "Divide the features by a constant.")
