"""Tiles of ``visible_parts`` distances for `occreid.tiles`: mean distance over the parts both images show.

Letters: Q queries, G gallery images, P parts, D dimensions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.factors import require_lengths
from occreid.memory import large_empty
from occreid.tiles import Tile

_NARROW = 64  # columns
_LOOPS_FROM = 2**20  # distances: below, loading the compiled loops costs more than they save


def visible_tiles(query: Descriptors, gallery: Descriptors) -> Tile:
    """Tiles of the distances of L2-normalised parts (HPNet, Eq. 1); +∞ where no part is shared.

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D on the same device.

    Raises:
        UserError: NaN or infinity in a feature, or one that is too long.
    """
    x_visible, y_visible = query.visibility.float(), gallery.visibility.float()
    left, right = _unit_parts(query, left=True), _unit_parts(gallery, left=False)
    if left.device.type == "cpu" and len(query) * len(gallery) >= _LOOPS_FROM:
        return _tiles_by_loop(left, right, query.visibility, y_visible)

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        out.zero_()
        for part in range(len(left)):
            out.add_(torch.mm(left[part, i], right[part, j].T, out=scratch).relu_().sqrt_())
        shared = torch.mm(x_visible[i], y_visible[j].T, out=scratch)
        out.div_(shared)  # 0 / 0 where nothing is shared
        out.masked_fill_(shared == 0, torch.inf)

    return tile


def _tiles_by_loop(left: Tensor, right: Tensor, x_visible: Tensor, y_visible: Tensor) -> Tile:
    """The same tiles with fewer passes and products: a part is multiplied for the queries that show it only.

    Torch's root may differ from the loop's, the nearest float, in the last bit.

    Args:
        left: (P, Q, D + 2) as `left_parts`.
        right: (P, G, D + 2) as `right_parts`.
        x_visible: (Q, P) bool.
        y_visible: (G, P) float.
    """
    from occreid.compiled.part_roots import mean_roots

    seen, y_seen = x_visible.numpy(), y_visible.T.contiguous().numpy()
    shown = [part[visible] for part, visible in zip(left, x_visible.T, strict=True)]
    # (P, Q + 1): how many queries before each show the part, hence where it stands among those
    place = np.concatenate([np.zeros((1, seen.shape[1]), np.int64), seen.cumsum(0)]).T.copy()

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        (rows, columns), stride, parts = out.shape, out.stride(0), len(shown)
        means = out.as_strided(((rows - 1) * stride + columns,), (1,)).numpy()  # Numba is fast on unbroken memory only
        # strips of one width, of which all parts' products fit into the scratch; narrow ones are rounded otherwise
        strips = -(-columns // max(columns // parts, min(columns, _NARROW)))
        strip = -(-columns // strips)
        memory = scratch.view(-1) if parts * strip <= columns else scratch.new_empty(parts * rows * strip)
        for start in range(0, columns, strip):
            others = slice(j.start + start, j.start + min(start + strip, columns))
            products = memory[: parts * rows * (others.stop - others.start)].view(parts, rows, -1)
            for part, queries in enumerate(shown):
                first, last = int(place[part, i.start]), int(place[part, i.stop])  # torch slices slowly by NumPy's own
                torch.mm(queries[first:last], right[part, others].T, out=products[part, : last - first])
            mean_roots(
                means[start:], stride, products.numpy(), place[:, i.start : i.stop + 1], seen[i], y_seen, others.start
            )

    return tile


def _unit_parts(side: Descriptors, left: bool) -> Tensor:
    """`occreid.factors.left_parts` or `right_parts` of L2-normalised parts, a few images at a time in the cache."""
    num, parts, dim = side.features.shape
    result = large_empty(parts, num, dim + 2, device=side.features.device)
    squared_lengths = side.features.new_empty(num, parts)
    step = max(1, 2**17 // max(1, parts * dim))
    scratch = side.features.new_empty(min(step, num), parts, dim)
    factor = -2 if left else 1  # a power of two, which rounds nothing
    for start in range(0, num, step):
        images = slice(start, start + step)
        features, into = side.features[images], result[:, images].transpose(0, 1)
        length = torch.linalg.vector_norm(features, dim=2)
        squared_lengths[images] = length.square()
        unit = torch.div(features, length.clamp_min(1e-12).div_(factor)[..., None], out=into[..., :dim])
        square = torch.mul(unit, unit, out=scratch[: len(features)]).sum(2).div_(factor * factor)
        into[..., dim], into[..., dim + 1] = (square, 1) if left else (1, square)
    result[~side.visibility.T] = 0
    require_lengths(side, squared_lengths)
    return result
