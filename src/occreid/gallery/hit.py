"""What a search of a gallery answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search.

    Attributes:
        id, pid, camid, timestamp, tags, path: as the entry's.
        visibility: which parts of the entry were seen, one bool per part.
        distance: to the query under the gallery's metric, smaller is nearer.
        score: the same as a similarity in [0, 1], 1 for equal descriptors (`score`); not a probability.
    """

    id: str
    pid: str | None
    camid: str | None
    timestamp: float | None
    tags: tuple[str, ...]
    path: str | None
    visibility: tuple[bool, ...]
    distance: float
    score: float


def score(distance: float, metric: str) -> float:
    """A distance as a similarity in [0, 1]: 1 − d/2 where distances end at 2, else 1 / (1 + d).

    >>> score(0.5, "cosine"), score(3.0, "euclidean")
    (0.75, 0.25)
    """
    return 1 / (1 + distance) if metric == "euclidean" else min(max(1 - distance / 2, 0.0), 1.0)
