"""Joining the boxes of consecutive frames into paths, by overlap and, where it is given, by appearance.

No tracker: no motion model and no second chance. It spares a gallery ten crops of one passage. A tracker's own names of
paths are kept as its file gives them (`occreid.scenes.box_files`).

Letters: N boxes of a frame, M paths that are alive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels
from occreid.descriptors import Descriptors
from occreid.distances import Metric, distances
from occreid.scenes.boxes import Box, overlaps

Look = Callable[[Sequence[Pixels]], Descriptors]
"""Crops → descriptors, one for each."""


@dataclass(slots=True)
class Path:
    """A person's path so far."""

    name: str
    box: Box
    look: Descriptors | None
    last: int


@dataclass(slots=True)
class Joiner:
    """Gives boxes the numbers of paths, frame by frame of one video; a box that has one keeps it.

    Attributes:
        look: describes crops; None joins by overlap alone.
        metric: how looks are compared.
        overlap: intersection over union from which two boxes may be one person, in [0, 1].
        distance: beyond it two looks are two persons, whatever the overlap.
        patience: frames for which a path without a box stays alive.
        taken: names of paths that are given already, and are given to no other.
    """

    look: Look | None = None
    metric: Metric = "cosine"
    overlap: float = 0.3
    distance: float = 0.6
    patience: int = 2
    taken: frozenset[str] = frozenset()
    _alive: list[Path] = field(default_factory=list)
    _next: int = 1
    _frame: int = 0

    def join(self, boxes: Sequence[Box], pixels: Pixels) -> list[Box]:
        """The same boxes with their paths' numbers, in the same order.

        Pairs are taken greedily, the largest overlap first; a box that joins no path begins one.
        """
        self._frame += 1
        self._alive = [path for path in self._alive if self._frame - path.last <= self.patience + 1]
        joined = iter(self._joined([box for box in boxes if box.track is None], pixels))
        return [next(joined) if box.track is None else box for box in boxes]

    def _joined(self, boxes: Sequence[Box], pixels: Pixels) -> list[Box]:
        looks = self.look([box.cut(pixels) for box in boxes]) if self.look is not None and boxes else None
        worth = self._worth(boxes, looks)
        chosen: dict[int, Path] = {}
        for row, column in zip(
            *np.unravel_index(np.argsort(-worth, axis=None, kind="stable"), worth.shape), strict=True
        ):
            if worth[row, column] <= 0:
                break
            path = self._alive[column]
            if row not in chosen and all(path is not other for other in chosen.values()):
                chosen[int(row)] = path
        joined = []
        for row, box in enumerate(boxes):
            path = chosen.get(row)
            if path is None:
                path = Path(self._free(), box, None, 0)
                self._alive.append(path)
            path.box, path.last = box, self._frame
            path.look = None if looks is None else looks[row : row + 1]
            joined.append(replace(box, track=path.name))
        return joined

    def _free(self) -> str:
        """The next number that is no path's."""
        while str(self._next) in self.taken:
            self._next += 1
        self._next += 1
        return str(self._next - 1)

    def _worth(self, boxes: Sequence[Box], looks: Descriptors | None) -> NDArray[np.float64]:
        """(N, M) how well boxes continue paths; 0 where they do not."""
        worth = overlaps(boxes, [path.box for path in self._alive])
        worth[worth < self.overlap] = 0
        old = [path.look for path in self._alive]
        if looks is not None and old and all(look is not None for look in old):
            between = distances(looks, Descriptors.cat([look for look in old if look is not None]), self.metric)
            worth[between.cpu().numpy() > self.distance] = 0
        return worth
