"""How accuracy falls while pictures get worse: the same benchmark at rising levels of one stress.

Measured points are kept in one JSON file per model and benchmark, so an interrupted run goes on where it stopped and
a wider range measures only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import Kind, Side, Stress, Stressor
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.files import read_json, write_json
from occreid.records import Record, Split
from occreid.retrieval import confidence_intervals, evaluate

Describe = Callable[[Sequence[Record], Stressor | None], Descriptors]
"""Records and what is done to their pictures → descriptors."""
Refine = Callable[[Descriptors, Descriptors], Descriptors]
"""Descriptors and gallery → descriptors, as `Method.refine`."""
LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Shares hidden, as far as a person can be told at all."""
ON = ("query", "gallery", "both")


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy at one level.

    Attributes:
        level: see `Stress`.
        mean_ap, low, high: mAP in [0, 1] and its 95 % interval (bootstrap over persons).
        rank1: CMC at rank 1 in [0, 1].
    """

    level: float
    mean_ap: float
    low: float
    high: float
    rank1: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one stress at rising levels.

    Attributes:
        kind, side: of the stress.
        points: by level.
    """

    kind: str
    side: str
    points: tuple[Point, ...]

    @property
    def area(self) -> float:
        """Mean mAP over the range of levels, in [0, 1]: the area under the curve divided by its width."""
        levels = np.array([p.level for p in self.points])
        width = levels[-1] - levels[0]
        return (
            float(np.trapezoid([p.mean_ap for p in self.points], levels) / width) if width else self.points[0].mean_ap
        )

    @property
    def kept(self) -> float:
        """The area as a share of the mAP at the lowest level: 1 where the stress does nothing."""
        first = self.points[0].mean_ap
        return self.area / first if first else 0.0


def robustness(curves: Sequence[Curve]) -> float:
    """One number for a model: the mean of its curves' areas, in [0, 1]."""
    return float(np.mean([curve.area for curve in curves]))


class CurveLog:
    """Measured points on disk: a JSON file that says what they are of.

    Args:
        path: the file; made with the first point.
        about: weights, benchmark and protocol; JSON-serialisable.

    Raises:
        UserError: the file holds points of something else, or cannot be read.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, dict(about)
        self._points: dict[str, dict[str, float]] = {}
        if not path.is_file():
            return
        try:
            held = read_json(path, hint="Delete it, or choose another folder.")
            self._points = dict(held["points"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"cannot read {path} ({error}).", "Delete it, or choose another folder.") from error
        if held.get("about") != self.about:
            raise UserError(f"{path} holds points of other weights, data or options.", "Choose another folder.")

    def get(self, key: str) -> Point | None:
        """The point of a key, or None."""
        held = self._points.get(key)
        return None if held is None else Point(**held)

    def put(self, key: str, point: Point) -> None:
        """Add a point; on disk the file is the old one or the new one, never half of it."""
        self._points[key] = asdict(point)
        write_json(self.path, {"about": self.about, "points": self._points})


def measure_curves(
    describe: Describe,
    refine: Refine,
    split: Split,
    metric: Any,
    stresses: Sequence[tuple[Kind, Side]],
    log: CurveLog,
    *,
    levels: Sequence[float] = LEVELS,
    on: str = "query",
    seed: int = 0,
    library: OccluderLibrary | None = None,
    progress: Callable[[str], None] = lambda key: None,
) -> list[Curve]:
    """Measure curves; points that the log holds are not measured again.

    Args:
        describe: the model.
        refine: the method's, or one that changes nothing.
        split: the benchmark.
        metric: how the model compares.
        stresses: kind and side of each curve.
        log: where points are kept.
        levels: rising, at least one.
        on: whose pictures are stressed, see `ON`.
        seed: of the stress.
        library: the cut-outs of the kind ``object``.
        progress: called with each point before it is measured.

    Raises:
        UserError: levels that do not rise, an unknown side of the ranking, unreadable pictures.
    """
    if on not in ON:
        raise UserError(f"stress cannot be on '{on}'.", "Give query, gallery or both.")
    if not levels or list(levels) != sorted(set(levels)):
        raise UserError(f"the levels {list(levels)} do not rise.", "For example: 0,0.2,0.4,0.6")
    everyone, clean = (*split.query, *split.gallery), dict[str, Descriptors]()

    def side(name: str, stressor: Stressor | None) -> Descriptors:
        if stressor is not None and on in (name, "both"):
            return describe(getattr(split, name), stressor)
        if name not in clean:
            clean[name] = describe(getattr(split, name), None)
        return clean[name]

    def point(stress: Stress) -> Point:
        key = f"{stress} on {on}" if stress.level else "clean"
        found = log.get(key)
        if found is None:
            progress(key)
            stressor = Stressor(stress, everyone, library) if stress.level else None
            query, gallery = side("query", stressor), side("gallery", stressor)
            ranking = evaluate(refine(query, gallery), refine(gallery, gallery), metric, split.same_camera)
            low, high = confidence_intervals(ranking, seed=seed)["mAP"]
            found = Point(stress.level, ranking.mean_ap, low, high, ranking.cmc[1])
            log.put(key, found)
        return found

    return [
        Curve(kind, where, tuple(point(Stress(kind, level, where, seed)) for level in levels))
        for kind, where in stresses
    ]
