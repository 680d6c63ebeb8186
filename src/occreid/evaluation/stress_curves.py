"""How accuracy falls while pictures get worse: the same benchmark at rising levels of one stress.

Measured points are kept in one JSON file per model and benchmark, so an interrupted run goes on where it stopped and
a wider range measures only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from occreid.data.masks.evaluation import TEST_MASKS, has_test_masks
from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import Kind, Side, Stress
from occreid.errors import UserError
from occreid.evaluation.describe import Describer, check_on
from occreid.evaluation.measure import rank
from occreid.files import read_json, write_json
from occreid.records import Split
from occreid.retrieval import confidence_intervals

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Shares hidden, as far as a person can be told at all."""


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
    describer: Describer,
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
        describer: the model on the benchmark, with the protocol.
        stresses: kind and side of each curve.
        log: where points are kept.
        levels: rising, at least one.
        on: whose pictures are stressed: ``"query"``, ``"gallery"`` or ``"both"``.
        seed: of the stress and the bootstrap.
        library: the cut-outs of the kind ``object``.
        progress: called with each point before it is measured.

    Raises:
        UserError: levels that do not rise, an unknown side of the ranking, unreadable pictures.
    """
    check_on(on)
    check_levels(levels)

    def point(stress: Stress) -> Point:
        key = f"{stress} on {on}" if stress.level else "clean"
        found = log.get(key)
        if found is None:
            progress(key)
            ranking = rank(describer.stressed(stress, on, library) if stress.level else describer.described())
            low, high = confidence_intervals(ranking, seed=seed)["mAP"]
            first = replace(ranking, protocol=replace(ranking.protocol, ranks=(1,)))  # whatever ranks are asked for
            found = Point(stress.level, ranking.mean_ap, low, high, first.cmc[1])
            log.put(key, found)
        return found

    return [
        Curve(kind, where, tuple(point(Stress(kind, level, where, seed)) for level in levels))
        for kind, where in stresses
    ]


def open_log(describer: Describer, folder: Path, name: str, occluders: str, seed: int) -> CurveLog:
    """The log of a model's points on its benchmark: ``<name>.json`` in a folder.

    Args:
        describer: the model on the benchmark, with the protocol.
        folder: where logs are kept.
        name: of the model.
        occluders: where the cut-outs come from.
        seed: of the stress and the bootstrap.

    Raises:
        UserError: the file holds points of something else, or cannot be read.
    """
    split = describer.split
    about = {
        "weights_sha256": describer.card.get("sha256"),
        "benchmark": split.name,
        "counts": split.counts(),
        "occluders": occluders,
        "seed": seed,
        "protocol": describer.marked().to_json(),
        "precision": describer.options["precision"],
        **({} if describer.model.masker is None else {"masks_by": describer.model.masker.key}),
        **({TEST_MASKS: split.notes[TEST_MASKS]} if has_test_masks(split) else {}),
    }
    return CurveLog(folder / f"{name}.json", about)


def check_levels(levels: Sequence[float]) -> None:
    """Raise a `UserError` unless there are levels and they rise."""
    if not levels or list(levels) != sorted(set(levels)):
        raise UserError(f"the levels {list(levels)} do not rise.", "For example: 0,0.2,0.4,0.6")


def require_same_images(named: Mapping[str, Split]) -> None:
    """Benchmarks that curves are compared on must hold the same pictures; they may differ in masks alone.

    Args:
        named: the name of each model, and what it is measured on.

    Raises:
        UserError: two differ.
    """
    (first_name, first), *others = named.items()
    for name, split in others:
        for part in ("query", "gallery"):
            wanted, own = ([(r.path.name, r.pid, r.camid) for r in getattr(one, part)] for one in (first, split))
            if wanted != own:
                raise UserError(
                    f"{name} was trained on another benchmark than {first_name} ({part}: {split.name}, {len(own):,} "
                    f"images; {first.name}, {len(wanted):,} images).",
                    "Curves compare on one: give it by --on NAME=ROOT.",
                )


def curves_summary(curves: Sequence[Curve], oracle: str) -> dict[str, Any]:
    """What a summary file says of one model's curves."""
    return {
        "oracle": oracle,
        "robustness": robustness(curves),
        "curves": [{"kind": c.kind, "side": c.side, "area": c.area, "kept": c.kept} for c in curves],
    }
