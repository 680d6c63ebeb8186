"""Several trained models under the same rising stress, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import Kind, Side
from occreid.errors import UserError
from occreid.evaluation.describe import Describer, Settings, check_on
from occreid.evaluation.stress_curves import (
    Curve,
    check_levels,
    curves_summary,
    measure_curves,
    open_log,
    require_same_images,
)
from occreid.models import load_model
from occreid.records import Split


@dataclass(frozen=True, slots=True)
class StressedRun:
    """One model's curves.

    Attributes:
        name: of the run's folder.
        curves: in the order of the stresses.
        oracle: what it knew that no one could know in use; empty where nothing.
    """

    name: str
    curves: tuple[Curve, ...]
    oracle: str

    @property
    def label(self) -> str:
        """The name, with the oracle marked."""
        return f"{self.name} (oracle)" if self.oracle else self.name

    @property
    def summary(self) -> dict[str, Any]:
        """See `curves_summary`."""
        return curves_summary(self.curves, self.oracle)


def stress_runs(
    runs: Sequence[tuple[Path, Callable[[], Split]]],
    stresses: Sequence[tuple[Kind, Side]],
    out: Path,
    *,
    levels: Sequence[float],
    on: str = "query",
    seed: int = 0,
    occluders: str = "unseen",
    settings: Settings,
    progress: Callable[[str, str], None] = lambda run, point: None,
) -> list[StressedRun]:
    """Measure each run's curves; points that are in the folder already are not measured again.

    Args:
        runs: run folders, and what reads the benchmark each is measured on; all hold the same pictures.
        stresses: kind and side of each curve.
        out: keeps a file of points for each run.
        levels: rising, at least one.
        on: whose pictures are stressed: ``"query"``, ``"gallery"`` or ``"both"``.
        seed: of the stress and the bootstrap.
        occluders: the cut-outs of the kind ``object``: a folder, ``"unseen"`` or ``"procedural"``.
        settings: where and how pictures are described.
        progress: called with a run's name and a point before it is measured.

    Raises:
        UserError: two runs of one name, other pictures, levels that do not rise, or what `measure_curves` raises.
    """
    if len({run.name for run, _ in runs}) < len(runs):
        raise UserError("two runs have the same name.", "Rename a folder: names tell the curves apart.")
    check_levels(levels)
    check_on(on)
    splits = {run: read() for run, read in runs}
    require_same_images({str(run): split for run, split in splits.items()})
    library, found = OccluderLibrary.open(occluders), []
    for run, split in splits.items():
        describer = Describer(load_model(run), split, settings=settings)
        curves = measure_curves(
            *(describer, stresses, open_log(describer, out, run.name, occluders, seed)),
            levels=levels,
            on=on,
            seed=seed,
            library=library,
            progress=lambda point, name=run.name: progress(name, point),
        )
        found.append(StressedRun(run.name, tuple(curves), describer.marked(stressed=True).oracle))
    return found
