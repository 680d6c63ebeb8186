"""COCO's run-length masks: runs of 0 and 1 in turn, down the columns, as numbers or as COCO's short text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def decode_rle(counts: str | Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """Decode a run-length mask.

    Args:
        counts: lengths of the runs, the first of zeros; or COCO's text of them.
        height: of the mask in pixels.
        width: of the mask in pixels.

    Returns:
        (height, width) bool.

    Raises:
        ValueError: the runs do not fill the mask exactly, or the text is cut short.
    """
    runs = np.asarray(_runs(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if (runs.size and runs.min() < 0) or runs.sum() != height * width:
        raise ValueError(f"runs of {runs.sum()} pixels do not fill {height}×{width}")
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def _runs(text: str) -> list[int]:
    """The numbers in COCO's text: 5 bits a character, low bits first; from the fourth on, less the last but one.

    Bit 6 of a character says that more follow; the highest payload bit of the last is the sign.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("the text of a run-length mask is cut short")
    return runs
