"""The loops over sparse rows of weights: their means, their order by column, and what they have in common.

Letters: R queries or rows, G gallery images, n and m weights of the two sides, N columns, k rows of a mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]


@compiled
def add_means(
    starts: Ints, columns: Ints, weights: Floats, members: Indices, counts: Ints, out: Ints, means: Floats
) -> None:
    """Write the mean of chosen rows for each of R rows: each column once, in the order of its first appearance.

    Args:
        starts: (N + 1,) where the rows begin and end in ``columns`` and ``weights``.
        columns: (n,) column of each weight.
        weights: (n,) likewise.
        members: (R, k) the rows of each mean; N is nobody and does not count.
        counts: (R,) how many columns each mean has, the result.
        out: the columns of the means one after another, the result; as long as all members together.
        means: their weights, likewise.
    """
    place, slots = 0, np.full(len(starts) - 1, -1)
    for row in range(len(members)):
        first, present = place, 0
        for member in members[row]:
            if member < len(starts) - 1:
                present += 1
                for at in range(starts[member], starts[member + 1]):
                    column = columns[at]
                    if slots[column] < first:  # not yet in this row
                        slots[column] = place
                        out[place], means[place] = column, weights[at]
                        place += 1
                    else:
                        means[slots[column]] += weights[at]
        for at in range(first, place):
            means[at] /= present
        counts[row] = place - first


@compiled
def turn(starts: Ints, columns: Ints, weights: Floats, first: Ints, image: Indices, weight: Floats) -> None:
    """Write G sparse rows by column.

    Args:
        starts: (G + 1,) where the rows begin and end.
        columns: column of each weight.
        weights: likewise.
        first: (N + 1,) where the columns begin and end in the result.
        image: (m,) the row of each weight, ascending within a column; the result.
        weight: (m,) likewise.
    """
    free = first.copy()
    for row in range(len(starts) - 1):
        for place in range(starts[row], starts[row + 1]):
            at = free[columns[place]]
            free[columns[place]] += 1
            image[at], weight[at] = row, weights[place]


@compiled
def add_overlaps(
    starts: Ints, columns: Ints, weights: Floats, first: Ints, image: Indices, weight: Floats, block: Floats
) -> None:
    """Add Σ min(row of a query, row of a gallery image) over the columns to ``block``.

    Args:
        starts: (R + 1,) where the rows of the queries begin and end in ``columns`` and ``weights``.
        columns: (n,) column of each weight of a query.
        weights: (n,) likewise.
        first: (N + 1,) where the columns begin and end in ``image`` and ``weight``.
        image: (m,) gallery image of each of its weights, sorted by column.
        weight: (m,) likewise.
        block: (R, G).
    """
    for query in range(len(starts) - 1):
        row = block[query]
        for place in range(starts[query], starts[query + 1]):
            own = weights[place]
            for other in range(first[columns[place]], first[columns[place] + 1]):
                row[image[other]] += min(own, weight[other])
