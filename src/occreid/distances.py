"""Every distance of the toolkit, defined once: losses differentiate it, evaluation streams it in tiles.

All are computed in float32 whatever the autocast, as matrix products with no loop over pairs.

Letters: N and M images on the two sides, P parts, D dimensions, Q queries, G gallery images.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean

Metric = Literal["euclidean", "cosine", "visible_parts"]
"""How two images are compared; see the functions of the same names."""

METRICS: tuple[str, ...] = get_args(Metric)


def euclidean(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances between all pairs; the gradient at distance 0 is 0.

    Args:
        x: (N, D) features.
        y: (M, D) features.

    Returns:
        (N, M) float32 distances in [0, ∞).

    >>> euclidean(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[5., 0.]])
    """
    with _float32(x.device):
        x, y = x.float(), y.float()
        return _root(_squared(x, y, _squares(x), _squares(y)))


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """Cosine distances, 1 − cos, between all pairs; a zero feature is at distance 1 from everything.

    Args:
        x: (N, D) features of any length.
        y: (M, D) features of any length.

    Returns:
        (N, M) float32 distances in [0, 2], up to rounding.

    >>> cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))
    tensor([[0., 1., 2.]])
    """
    with _float32(x.device):
        return 1 - normalize(x.float(), dim=1) @ normalize(y.float(), dim=1).T


def visible_parts(x: Tensor, y: Tensor, x_visible: Tensor, y_visible: Tensor) -> Tensor:
    """Mean Euclidean distance over the parts both images show; +∞ where they share none.

    The features are taken as they are. HPNet's Eq. 1 is this distance of L2-normalised parts (`distances`
    normalises them), its Eq. 4 this distance of the parts before batch normalisation.

    Args:
        x: (N, P, D) part features.
        y: (M, P, D) part features.
        x_visible: (N, P) bool, True where the part is seen.
        y_visible: (M, P) bool.

    Returns:
        (N, M) float32 distances in [0, ∞]; gradients are finite everywhere.

    >>> a, b = torch.tensor([[[0.0], [0.0]]]), torch.tensor([[[3.0], [9.0]], [[1.0], [1.0]]])
    >>> visible_parts(a, b, torch.tensor([[True, False]]), torch.tensor([[True, True], [False, True]]))
    tensor([[3., inf]])
    """
    with _float32(x.device):
        x, y, x_visible, y_visible = x.float(), y.float(), x_visible.float(), y_visible.float()
        x_squares, y_squares = _squares(x), _squares(y)
        total = torch.zeros(len(x), len(y), device=x.device)
        for part in range(x.shape[1]):
            apart = _root(_squared(x[:, part], y[:, part], x_squares[:, part], y_squares[:, part]))
            total = total + apart * x_visible[:, part, None] * y_visible[None, :, part]
        shared = x_visible @ y_visible.T
        return torch.where(shared > 0, total / shared.clamp_min(1), torch.inf)


def distances(query: Descriptors, gallery: Descriptors, metric: Metric) -> Tensor:
    """Distances between descriptors, as evaluation and search rank them.

    For ``euclidean`` and ``cosine`` the parts of an image are one long feature; for ``visible_parts`` each
    part is L2-normalised first (HPNet, Eq. 1).

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D.
        metric: one of `METRICS`.

    Returns:
        (Q, G) float32.

    Raises:
        UserError: an unknown metric, shapes that do not fit, NaN or infinity in a feature.
    """
    check_comparable(query, gallery, metric)
    if metric == "euclidean":
        return euclidean(query.features.flatten(1), gallery.features.flatten(1))
    if metric == "cosine":
        return cosine(query.features.flatten(1), gallery.features.flatten(1))
    return visible_parts(
        normalize(query.features, dim=2), normalize(gallery.features, dim=2), query.visibility, gallery.visibility
    )


def check_comparable(query: Descriptors, gallery: Descriptors, metric: str) -> None:
    """Raise a `UserError` unless the two can be compared under ``metric``."""
    if metric not in METRICS:
        raise UserError(f"there is no metric '{metric}'.", did_you_mean(metric, METRICS))
    if query.features.shape[1:] != gallery.features.shape[1:]:
        raise UserError(
            f"query descriptors are {tuple(query.features.shape[1:])} (parts, dimensions) per image, "
            f"gallery descriptors {tuple(gallery.features.shape[1:])}.",
            "Extract both with the same model.",
        )
    query.require_finite()
    gallery.require_finite()


def _squares(x: Tensor) -> Tensor:
    """Squared lengths along the last dimension."""
    return (x * x).sum(-1)


def _squared(x: Tensor, y: Tensor, x_squares: Tensor, y_squares: Tensor) -> Tensor:
    """Squared Euclidean distances (N, M) ≥ 0 as one product: |x|² + |y|² − 2 x·y."""
    return torch.addmm(y_squares, x, y.T, alpha=-2).add_(x_squares[:, None]).relu_()


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0; works in place where no gradient is asked for."""
    if not squared.requires_grad:
        return squared.sqrt_()
    positive = squared > 0
    return torch.where(positive, squared, 1).sqrt() * positive


@contextmanager
def _float32(device: torch.device) -> Iterator[None]:
    """Full float32 products, even under autocast and after ``set_float32_matmul_precision("medium")``."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
