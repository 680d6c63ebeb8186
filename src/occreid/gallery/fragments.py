"""Fragments of a Lance table: each commit leaves one, and each costs every read time and memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

MANY = 64
"""Fragments of about one size that are merged."""
_SMALL = 4096  # rows; a fragment of as many is never merged
_TERMS = 1000  # runs of fragments that one statement names: each nests it deeper; tens of thousands end the process


def alike(numbers: np.ndarray) -> Iterator[list[int]]:
    """Groups of small fragments to be made one each.

    Tiny ones become middling ones and these become full ones, so that a row is written about three times; what was
    written before stays on disk until it is swept. A statement holds all it writes in memory: fewer than 2 `_SMALL`.

    Args:
        numbers: (N,) row ids, the upper half of each its fragment.
    """
    fragments, rows = np.unique(numbers >> 32, return_counts=True)
    for least, most in ((1, MANY), (MANY, _SMALL)):
        chosen = (rows >= least) & (rows < most)
        if chosen.sum() < MANY:
            continue
        group, held = [], 0
        for fragment, count in zip(fragments[chosen].tolist(), rows[chosen].tolist(), strict=True):
            group.append(fragment)
            held += count
            if held >= _SMALL:
                yield group
                group, held = [], 0
        if len(group) >= MANY:
            yield group


def rewrite(table: Any, fragments: Sequence[int]) -> None:
    """Write the rows of these fragments, in ascending order, into new ones; a commit for each `_TERMS` runs."""
    runs = np.split(np.asarray(fragments), np.flatnonzero(np.diff(fragments) != 1) + 1)
    for start in range(0, len(runs), _TERMS):
        ends = ((int(run[0]), int(run[-1]) + 1) for run in runs[start : start + _TERMS])
        rows = (f"(_rowid >= {first << 32} AND _rowid < {end << 32})" for first, end in ends)
        table.update(where=" OR ".join(rows), values_sql={"crc": "crc"})
