"""In which order a gallery comes, cheaper than its distances: for whoever only asks which of two images is closer.

Letters: Q queries, G gallery images, R queries of one piece.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Metric, check_shapes
from occreid.factors import inverse_lengths, require_lengths, squares
from occreid.part_tiles import visible_tiles
from occreid.tiles import T, map_stream

AS_IS, ADD, SCALE = 0, 1, 2
_TURNED = 2**23  # numbers of the gallery, 32 MiB, that a product may write anew in the order it likes


@dataclass(frozen=True, slots=True)
class Order:
    """Numbers whose order in a row is that of the distances; each column may still lack something.

    To add it takes a pass over memory: whoever passes over the numbers anyway does it on the way.

    Attributes:
        numbers: (R, G) float32; a NaN stays one.
        column: (G,) float32, or one number that is not looked at where ``finish`` is `AS_IS`.
        finish: `AS_IS`: nothing lacks. `ADD`: column − 2 · number. `SCALE`: number · column + 1, rounded twice.
    """

    numbers: Tensor
    column: Tensor
    finish: int

    @classmethod
    def of(cls, distances: Tensor) -> Order:
        """The order of (R, G) distances; they are written into where something is hidden."""
        return cls(distances, distances.new_zeros(1), AS_IS)

    def __len__(self) -> int:
        return len(self.numbers)

    def whole(self) -> Tensor:
        """The (R, G) numbers with what lacked, written over the others: call it once."""
        if self.finish == ADD:
            return torch.add(self.column, self.numbers, alpha=-2, out=self.numbers)
        return self.numbers.mul_(self.column).add_(1) if self.finish == SCALE else self.numbers


@torch.no_grad()
def map_orders(
    query: Descriptors, gallery: Descriptors, metric: Metric, work: Callable[[int, Order], T], rows: int | None = None
) -> list[T]:
    """What ``work(start, order)`` makes of each piece of the order of the gallery, computed on all cores.

    The rows are ordered as those of `occreid.distances.distances`, but hold what costs less: no root, no term that is
    the same in a whole row.

    Args:
        query: Q descriptors.
        gallery: G descriptors of the same P and D on the same device.
        metric: one of `occreid.distances.METRICS`.
        work: called with the order for queries ``start …``; it may write into the numbers, whose memory is used
            again. Threads call it side by side.
        rows: queries per piece; left out, the threads' share of 128 MiB.

    Returns:
        The results, in the order of the queries.

    Raises:
        UserError: as `occreid.distances.distances`.
    """
    check_shapes(query, gallery, metric)
    size = len(query), len(gallery), query.features.device
    if metric == "visible_parts":
        return map_stream(*size, visible_tiles(query, gallery), lambda start, block: work(start, Order.of(block)), rows)
    x, y = query.features.flatten(1), gallery.features.flatten(1)
    # what is read of every image already tells whether it is finite
    if metric == "cosine":  # finished to the last 1 +: equal directions are equal only once rounded to it
        own, column, finish = inverse_lengths(x), inverse_lengths(y), SCALE
        squared = 1 / own.square(), 1 / column.square()
        x, column = x * own[:, None], -column
    else:
        squared = torch.linalg.vector_norm(x, dim=1).square(), squares(y)
        column, finish = squared[1], ADD
    require_lengths(query, squared[0])
    require_lengths(gallery, squared[1])

    def tile(i: slice, j: slice, scratch: Tensor, out: Tensor) -> None:
        torch.mm(x[i], y[j].T, out=out)

    direct = max(2048, _TURNED // max(1, x.shape[1]))
    return map_stream(*size, tile, lambda start, block: work(start, Order(block, column, finish)), rows, direct)
