"""Every distance of the toolkit, defined once: losses differentiate it, evaluation streams it (see `occreid.tiles`).

All are computed in float32 whatever the autocast, as matrix products with no loop over pairs.

Letters: N and M images on the two sides, P parts, D dimensions, Q queries, G gallery images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean
from occreid.factors import inverse_lengths, left_parts, require_lengths, right_parts, squares
from occreid.part_tiles import visible_tiles
from occreid.tiles import Tile, full_float32, stream

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
    with full_float32(x.device):
        x, y = x.float(), y.float()
        return _root(_squared(x, y, squares(x), squares(y)))


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
    with full_float32(x.device):
        x, y = x.float(), y.float()
        return _cosine(x * inverse_lengths(x)[:, None], y, inverse_lengths(y))


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
    with full_float32(x.device):
        x_visible, y_visible = x_visible.float(), y_visible.float()
        return _visible_parts(left_parts(x.float(), x_visible), right_parts(y.float(), y_visible), x_visible, y_visible)


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
    out = torch.empty(len(query), len(gallery), device=query.features.device)
    for start, rows in distance_rows(query, gallery, metric):
        out[start : start + len(rows)] = rows
    return out


class Prepared:
    """One side of `distances` whose per-image work is done once, for a gallery that is searched again and again.

    Args:
        gallery: G descriptors.
        metric: one of `METRICS`.

    Raises:
        UserError: as `distances`.
    """

    def __init__(self, gallery: Descriptors, metric: Metric) -> None:
        check_comparable(gallery, gallery, metric)
        self.gallery = gallery
        self.metric: Metric = metric
        work = {"cosine": inverse_lengths, "euclidean": squares}
        self._work = work[metric](gallery.features.flatten(1)) if metric in work else None

    def __len__(self) -> int:
        return len(self.gallery)

    def __getitem__(self, index: Tensor) -> Prepared:
        """The images at an index tensor or bool mask, without doing the work again."""
        part = object.__new__(Prepared)
        part.gallery, part.metric = self.gallery[index], self.metric
        part._work = None if self._work is None else self._work[index]
        return part

    @torch.no_grad()
    def distances(self, query: Descriptors) -> Tensor:
        """What `distances` gives for these queries, (Q, G) float32."""
        if self._work is None:
            return distances(query, self.gallery, self.metric)
        check_comparable(query, self.gallery[torch.arange(0)], self.metric)
        with full_float32(query.features.device):
            x, y = query.features.flatten(1), self.gallery.features.flatten(1)
            if self.metric == "cosine":
                return _cosine(x * inverse_lengths(x)[:, None], y, self._work)
            return _root(_squared(x, y, squares(x), self._work))


def distance_rows(
    query: Descriptors, gallery: Descriptors, metric: Metric, rows: int | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Whole rows of `distances`, a few queries at a time, so that memory does not grow with Q × G.

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D on the same device.
        metric: one of `METRICS`.
        rows: queries per piece; left out, as many as fit in 128 MiB, at most 512.

    Yields:
        ``(start, block)`` as `occreid.tiles.stream`.

    Raises:
        UserError: as `distances`.
    """
    with torch.no_grad():
        tile = _tiles(query, gallery, metric)
    yield from stream(len(query), len(gallery), query.features.device, tile, rows)


def _tiles(query: Descriptors, gallery: Descriptors, metric: Metric) -> Tile:
    """Tiles of distances with all per-image work done once."""
    if metric == "visible_parts":
        check_shapes(query, gallery, metric)
        return visible_tiles(query, gallery)
    check_comparable(query, gallery, metric)
    x, y = query.features.flatten(1), gallery.features.flatten(1)
    cosines, own = metric == "cosine", squares(x)[:, None]
    join, factor = (torch.mul, -inverse_lengths(y)) if cosines else (torch.add, squares(y))
    x = x * inverse_lengths(x)[:, None] if cosines else -2 * x

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        join(torch.mm(x[i], y[j].T, out=scratch), factor[j], out=out)
        if cosines:
            out.add_(1)
        else:
            out.add_(own[i]).relu_().sqrt_()

    return tile


@torch.no_grad()
def paired_distances(query: Descriptors, gallery: Descriptors, metric: Metric, rows: Tensor, columns: Tensor) -> Tensor:
    """Distances of chosen pairs only: entry (rows[i], columns[i]) of `distances` for each i, up to rounding.

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D.
        metric: one of `METRICS`.
        rows: (n,) int64 in 0 … Q − 1.
        columns: (n,) int64 in 0 … G − 1.

    Returns:
        (n,) float32.
    """
    result = torch.empty(len(rows), device=query.features.device)
    step = max(1, 2**18 // query.features[:1].numel())  # a MiB of features at a time: they stay in the cache
    for start in range(0, len(rows), step):
        i, j = rows[start : start + step], columns[start : start + step]
        x, y = query.features[i], gallery.features[j]
        if metric == "cosine":
            apart = 1 - (normalize(x.flatten(1), dim=1) * normalize(y.flatten(1), dim=1)).sum(1)
        elif metric == "euclidean":
            apart = (x - y).flatten(1).norm(dim=1)
        else:
            shared = query.visibility[i] & gallery.visibility[j]
            each = (normalize(x, dim=2) - normalize(y, dim=2)).norm(dim=2) * shared
            apart = (each.sum(1) / shared.sum(1)).nan_to_num_(nan=torch.inf)
        result[start : start + step] = apart
    return result


def check_comparable(query: Descriptors, gallery: Descriptors, metric: str) -> None:
    """Raise a `UserError` unless the two can be compared under ``metric``."""
    check_shapes(query, gallery, metric)
    for side in (query, gallery):
        require_lengths(side, torch.linalg.vector_norm(side.features, dim=-1).square())


def check_shapes(query: Descriptors, gallery: Descriptors, metric: str) -> None:
    """The part of `check_comparable` that looks at no feature."""
    if metric not in METRICS:
        raise UserError(f"there is no metric '{metric}'.", did_you_mean(metric, METRICS))
    if query.features.shape[1:] != gallery.features.shape[1:]:
        raise UserError(
            f"query descriptors are {tuple(query.features.shape[1:])} (parts, dimensions) per image, "
            f"gallery descriptors {tuple(gallery.features.shape[1:])}.",
            "Extract both with the same model.",
        )


def _cosine(x: Tensor, y: Tensor, y_scale: Tensor) -> Tensor:
    """1 − cos for unit rows x (N, D) and rows y (M, D) whose inverse lengths are ``y_scale`` (M,)."""
    return torch.mm(x, y.T).mul_(-y_scale).add_(1)


def _squared(x: Tensor, y: Tensor, x_squares: Tensor, y_squares: Tensor) -> Tensor:
    """Squared Euclidean distances (N, M) ≥ 0 as one product: |x|² + |y|² − 2 x·y."""
    return torch.addmm(y_squares, x, y.T, alpha=-2).add_(x_squares[:, None]).relu_()


def _visible_parts(left: Tensor, right: Tensor, x_visible: Tensor, y_visible: Tensor) -> Tensor:
    """Mean of the parts' distances where shared: one product per part gives |x|² + |y|² − 2 x·y, masked."""
    total = torch.zeros((), device=left.device)
    for part in range(len(left)):
        total = total + _root(torch.mm(left[part], right[part].T).relu_())
    shared = x_visible @ y_visible.T
    return (total / shared.clamp_min(1)).masked_fill_(shared == 0, torch.inf)


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0; works in place where no gradient is asked for."""
    if not squared.requires_grad:
        return squared.sqrt_()
    positive = squared > 0
    return torch.where(positive, squared, 1).sqrt() * positive
