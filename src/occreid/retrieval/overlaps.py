"""The loop that adds up what sparse rows have in common.

Letters: R queries, G gallery images, n and m weights of the two sides, N columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@compiled
def add_overlaps(
    starts: Ints, columns: Ints, weights: Floats, first: Ints, image: Ints, weight: Floats, block: Floats
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
