"""Pictures that are nearly the same in two parts of a benchmark: what was trained on must not be tested.

A picture's hash is 64 signs of differences between neighbouring cells of a 9 × 8 grey thumbnail; scaling, compression
and small changes of light leave nearly all of them as they are. Letters: N pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels, read_image

_ROWS = 1024  # pictures compared with all others at once
_FLAT = 4  # grey levels from which a difference between cells is one


@dataclass(frozen=True, slots=True)
class Leak:
    """Two nearly equal pictures of different parts, or of different persons.

    Attributes:
        first, second: paths.
        parts: of the two.
        distance: differing bits of their hashes, 0 to 64.
    """

    first: str
    second: str
    parts: tuple[str, str]
    distance: int


def picture_hash(image: Pixels) -> int:
    """64 bits of (H, W, 3) uint8 pixels; nearly equal pictures differ in few.

    >>> ramp = np.repeat(np.arange(0, 180, 2, dtype=np.uint8)[None, :, None], 80, 0).repeat(3, 2)
    >>> picture_hash(ramp) == picture_hash(ramp[::2, ::2]) == 2**64 - 1
    True
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int64)
    bits = (small[:, 1:] > small[:, :-1]).flatten()
    return int(np.packbits(bits).view(">u8")[0])


def find_leaks(parts: Mapping[str, Sequence[tuple[str, str]]], root: Path, distance: int = 3) -> list[Leak]:
    """Nearly equal pictures between the training part and the others, and between persons.

    Args:
        parts: train, query, gallery → (path relative to ``root``, pid).
        root: the folder.
        distance: most differing bits of 64.

    Returns:
        Pairs, nearest first. Pictures without any structure (a flat colour) are not compared.

    Raises:
        UserError: an unreadable picture.
    """
    entries = [(part, path, pid) for part, members in parts.items() for path, pid in members]
    hashes, telling = np.zeros(len(entries), np.uint64), np.zeros(len(entries), bool)
    for number, (_, path, _) in enumerate(entries):
        image = read_image(root / path)
        hashes[number], telling[number] = picture_hash(image), _has_structure(image)
    trained = np.array([part == "train" for part, _, _ in entries], bool)
    persons = np.unique([pid for _, _, pid in entries], return_inverse=True)[1]
    found = []
    for start in range(0, len(entries), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(entries)))
        bits = np.bitwise_count(hashes[rows, None] ^ hashes[None])
        near = (bits <= distance) & telling[rows, None] & telling[None]
        near &= (trained[rows, None] != trained[None]) | (persons[rows, None] != persons[None])
        near &= rows[:, None] < np.arange(len(entries))[None]
        for i, j in zip(*np.nonzero(near), strict=True):
            one, other = entries[rows[i]], entries[j]
            found.append(Leak(one[1], other[1], (one[0], other[0]), int(bits[i, j])))
    return sorted(found, key=lambda leak: (leak.distance, leak.first, leak.second))


def _has_structure(image: Pixels) -> bool:
    grey: NDArray[np.uint8] = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return int(grey.max()) - int(grey.min()) >= _FLAT
