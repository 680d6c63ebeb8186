"""Every distance of the toolkit, defined once: losses differentiate it, evaluation streams it (see `occreid.tiles`).

All are computed in float32 whatever the autocast, as matrix products with no loop over pairs.

Letters: N and M images on the two sides, P parts, D dimensions, Q queries, G gallery images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean
from occreid.tiles import T, Tile, full_float32, map_stream, stream

Metric = Literal["euclidean", "cosine", "visible_parts"]
"""How two images are compared; see the functions of the same names."""
METRICS: tuple[str, ...] = get_args(Metric)
_LOOPS_FROM = 2**20  # distances: below, loading the compiled loops costs more than they save


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
    with full_float32(x.device):
        x, y = x.float(), y.float()
        return _cosine(x * _inverse_lengths(x)[:, None], y, _inverse_lengths(y))


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
        return _visible_parts(_left(x.float(), x_visible), _right(y.float(), y_visible), x_visible, y_visible)


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
        work = {"cosine": _inverse_lengths, "euclidean": _squares}
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
                return _cosine(x * _inverse_lengths(x)[:, None], y, self._work)
            return _root(_squared(x, y, _squares(x), self._work))


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


@torch.no_grad()
def map_order_rows(
    query: Descriptors, gallery: Descriptors, metric: Metric, work: Callable[[int, Tensor], T], rows: int | None = None
) -> list[T]:
    """What ``work(start, block)`` makes of each piece of the order of the gallery, computed on all cores.

    For whoever only asks which of two gallery images is closer to a query: a block's rows are ordered as the rows
    of `distances`, but may hold what costs less (no root, no term that is the same in a whole row).

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D on the same device.
        metric: one of `METRICS`.
        work: called with each piece; it may write into the block, which is used again. Threads call it side by side.
        rows: queries per piece; left out, the threads' share of 128 MiB.

    Returns:
        The results, in the order of the queries.

    Raises:
        UserError: as `distances`.
    """
    tile = _tiles(query, gallery, metric, order_only=True)
    return map_stream(len(query), len(gallery), query.features.device, tile, work, rows)


def _tiles(query: Descriptors, gallery: Descriptors, metric: Metric, order_only: bool = False) -> Tile:
    """Tiles of distances with all per-image work done once; ``order_only`` leaves |y|² − 2 x·y of |x − y|."""
    check_comparable(query, gallery, metric)
    if metric == "visible_parts":
        return _visible_tiles(query, gallery)
    x, y = query.features.flatten(1), gallery.features.flatten(1)
    cosines, squares = metric == "cosine", _squares(x)[:, None]
    join, factor = (torch.mul, -_inverse_lengths(y)) if cosines else (torch.add, _squares(y))
    x = x * _inverse_lengths(x)[:, None] if cosines else -2 * x

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        join(torch.mm(x[i], y[j].T, out=scratch), factor[j], out=out)
        if cosines:
            out.add_(1)  # for the order alone, too: equal directions are equal only once rounded to this
        elif not order_only:
            out.add_(squares[i]).relu_().sqrt_()

    return tile


def _visible_tiles(query: Descriptors, gallery: Descriptors) -> Tile:
    x_visible, y_visible = query.visibility.float(), gallery.visibility.float()
    left = _left(normalize(query.features, dim=2), x_visible)
    right = _right(normalize(gallery.features, dim=2), y_visible)

    if left.device.type == "cpu" and len(query) * len(gallery) >= _LOOPS_FROM:
        return _visible_tiles_by_loop(left, right, x_visible, y_visible)

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        out.zero_()
        for part in range(len(left)):
            out.add_(torch.mm(left[part, i], right[part, j].T, out=scratch).relu_().sqrt_())
        shared = torch.mm(x_visible[i], y_visible[j].T, out=scratch)
        out.div_(shared)  # 0 / 0 where nothing is shared
        out.masked_fill_(shared == 0, torch.inf)

    return tile


def _visible_tiles_by_loop(left: Tensor, right: Tensor, x_visible: Tensor, y_visible: Tensor) -> Tile:
    """The same tiles with fewer passes; torch's root may differ from the loop's, the nearest float, in the last bit."""
    from occreid.compiled.part_roots import add_roots, divide_by_shared

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        (rows, columns), stride = out.shape, out.stride(0)
        total = out.as_strided(((rows - 1) * stride + columns,), (1,)).numpy()  # Numba is fast on unbroken memory only
        product = scratch.numpy()
        for part in range(len(left)):
            torch.mm(left[part, i], right[part, j].T, out=scratch)
            add_roots(total, stride, product, part == 0)
        torch.mm(x_visible[i], y_visible[j].T, out=scratch)
        divide_by_shared(total, stride, product)

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
    if metric not in METRICS:
        raise UserError(f"there is no metric '{metric}'.", did_you_mean(metric, METRICS))
    if query.features.shape[1:] != gallery.features.shape[1:]:
        raise UserError(
            f"query descriptors are {tuple(query.features.shape[1:])} (parts, dimensions) per image, "
            f"gallery descriptors {tuple(gallery.features.shape[1:])}.",
            "Extract both with the same model.",
        )
    for side in (query, gallery):
        # one number per image is enough to look at: a NaN or an infinity spoils its image's length
        if not torch.linalg.vector_norm(side.features, dim=-1).square().isfinite().all():
            side.require_finite()
            raise UserError("a feature is longer than float32 can square.", "Divide the features by a constant.")


def _squares(x: Tensor) -> Tensor:
    """Squared lengths along the last dimension, as many rows at a time as stay in the processor's cache."""
    rows = max(1, 2**16 // max(1, x[:1].numel()))
    return torch.cat([(piece * piece).sum(-1) for piece in x.split(rows)])


def _inverse_lengths(x: Tensor) -> Tensor:
    """One over the length along the last dimension; 10¹² for a zero vector, whose products are 0 anyway."""
    return 1 / torch.linalg.vector_norm(x, dim=-1).clamp_min(1e-12)


def _cosine(x: Tensor, y: Tensor, y_scale: Tensor) -> Tensor:
    """1 − cos for unit rows x (N, D) and rows y (M, D) whose inverse lengths are ``y_scale`` (M,)."""
    return torch.mm(x, y.T).mul_(-y_scale).add_(1)


def _squared(x: Tensor, y: Tensor, x_squares: Tensor, y_squares: Tensor) -> Tensor:
    """Squared Euclidean distances (N, M) ≥ 0 as one product: |x|² + |y|² − 2 x·y."""
    return torch.addmm(y_squares, x, y.T, alpha=-2).add_(x_squares[:, None]).relu_()


def _left(x: Tensor, visible: Tensor) -> Tensor:
    """(P, N, D + 2): the left factor of `_visible_parts`, −2x, |x|², 1 where visible, else zeros."""
    ones = torch.ones_like(visible)
    return (torch.cat([-2 * x, _squares(x)[..., None], ones[..., None]], 2) * visible[..., None]).transpose(0, 1)


def _right(y: Tensor, visible: Tensor) -> Tensor:
    """(P, M, D + 2): the right factor of `_visible_parts`, y, 1, |y|² where visible, else zeros."""
    ones = torch.ones_like(visible)
    return (torch.cat([y, ones[..., None], _squares(y)[..., None]], 2) * visible[..., None]).transpose(0, 1)


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
