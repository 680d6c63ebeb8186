"""The loops over neighbour lists that re-ranking needs.

Letters: N images (the number N stands for nobody), K neighbours in a list, K′ in a list of half size, D dimensions,
n members of all images together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from occreid.compiled import compiled

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@compiled
def find_reciprocal(near: Indices, k: int, reciprocal: Bools) -> None:
    """Whether each of an image's first k neighbours counts the image among its own first k (Eq. 3): (N, k)."""
    for image in range(len(near)):
        for place in range(k):
            other, found = near[image, place], False
            if other < len(near):
                for back in range(k):
                    found |= near[other, back] == image
            reciprocal[image, place] = found


@compiled
def expand_reciprocal(
    start: int, near: Indices, reciprocal: Bools, half: Bools, counts: Ints, members: Indices
) -> None:
    """R* (Eq. 5) of some images: a neighbour's own half-size reciprocal set is joined where more than two thirds of
    it are already in R.

    Args:
        start: the first image.
        near: (N, K or more) neighbours, nearest first.
        reciprocal: (N, K) as `find_reciprocal`.
        half: (N, K′) likewise.
        counts: (R,) how many members each of the images has, the result.
        members: (R, K + K·K′) the members in ascending order, once each, from the left; the result.
    """
    seen = np.full(len(near), -1)  # the last image whose R* this one is in; of R alone, stored apart
    known = np.full(len(near), -1)
    for row in range(len(counts)):
        image, count = start + row, 0
        for place in range(reciprocal.shape[1]):
            if reciprocal[image, place]:
                other = near[image, place]
                seen[other] = known[other] = image
                members[row, count] = other
                count += 1
        for place in range(reciprocal.shape[1]):
            if reciprocal[image, place]:
                other, total, shared = near[image, place], 0, 0
                for further in range(half.shape[1]):
                    if half[other, further]:
                        total += 1
                        shared += known[near[other, further]] == image
                if 3 * shared > 2 * total:
                    for further in range(half.shape[1]):
                        third = near[other, further]
                        if half[other, further] and seen[third] != image:
                            seen[third] = image
                            members[row, count] = third
                            count += 1
        members[row, :count].sort()
        counts[row] = count


@compiled
def squared_lengths_apart(x: Floats, starts: Ints, columns: Indices, squared: Floats) -> None:
    """Squared Euclidean distances (n,) of each image x (N, D) to its members ``columns[starts[i]:starts[i + 1]]``."""
    for image in range(len(x)):
        own = x[image]
        for place in range(starts[image], starts[image + 1]):
            other, total = x[columns[place]], np.float32(0)
            for dimension in range(len(own)):
                apart = own[dimension] - other[dimension]
                total += apart * apart
            squared[place] = total
