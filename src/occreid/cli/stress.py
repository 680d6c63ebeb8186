"""`occreid stress`: curves of accuracy under rising stress, for one model or several side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import percent, print_table
from occreid.cli.groups import Benchmarks, grouped
from occreid.cli.options import OWN_MODEL, BatchSize, Device, Json, StressOn, parse_numbers
from occreid.files import write_json

Runs = Annotated[list[Path], typer.Argument(help="Run folders or names of models.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for points (resumable), table and figure.")]


@dataclass(frozen=True, slots=True)
class Damage:
    """How pictures get worse."""

    kinds: Annotated[
        str, typer.Option("--kinds", help="Comma-separated KIND or KIND:SIDE; see --stress of occreid evaluate.")
    ] = "object,person,texture,flat"
    levels: Annotated[str, typer.Option("--levels", help="Rising, comma-separated.")] = "0,0.1,0.2,0.3,0.4,0.5,0.6"
    stress_on: StressOn = "query"
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the stress and the bootstrap.")] = 0
    occluders: Annotated[
        str,
        typer.Option(
            "--occluders", help="Cut-outs of 'object': a folder, unseen (no training shows them) or procedural."
        ),
    ] = "unseen"

    def wanted(self) -> list[tuple[Any, Any]]:
        """Each kind and its side.

        Raises:
            UserError: an unknown one.
        """
        from occreid.data.occlusion.stress import Stress

        found = []
        for word in self.kinds.split(","):
            kind, _, side = word.strip().partition(":")
            found.append((kind, side or "any"))
            Stress(kind, 0.1, side or "any")  # type: ignore[arg-type]  # says what is wrong with it
        return found


@grouped
def stress(
    *,
    runs: Runs = [OWN_MODEL],  # noqa: B006  # typer copies it
    out: Out,
    benchmarks: Benchmarks,
    damage: Damage,
    device: Device = "auto",
    batch_size: BatchSize = None,
    as_json: Json = False,
) -> None:
    """Measure how accuracy falls while pictures get worse; a run that was stopped goes on where it was.

    For example:

        occreid stress runs/baseline runs/ssgr --out stress

        occreid stress runs/first --kinds object:bottom,shift,blur,dark,small --levels 0,0.2,0.4 --out stress
    """
    from occreid.evaluation import Settings
    from occreid.evaluation.stress_runs import stress_runs
    from occreid.report.curves import draw_curves

    wanted, levels = damage.wanted(), parse_numbers("--levels", damage.levels, float, "0,0.2,0.4")
    several = "stress is measured on one benchmark at a time."
    found = stress_runs(
        *([(run, partial(benchmarks.only, run, several)) for run in runs], wanted, out),
        levels=levels,
        on=damage.stress_on,
        seed=damage.seed,
        occluders=damage.occluders,
        settings=Settings(device, batch_size=batch_size),
        progress=lambda run, point: None if as_json else typer.echo(f"{run}: {point}", err=True),
    )
    panels = {
        _words(*stress): {run.label: run.curves[place].points for run in found} for place, stress in enumerate(wanted)
    }
    summary = {run.name: run.summary for run in found}
    draw_curves(panels, out / "curves.png")
    write_json(out / "summary.json", summary)
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    rows = [
        [run.label, percent(run.curves[0].points[0].mean_ap), *(percent(curve.area) for curve in run.curves)]
        for run in found
    ]
    robust = [percent(run.summary["robustness"]) for run in found]
    print_table(["", "clean", *panels, "robustness"], [[*row, last] for row, last in zip(rows, robust, strict=True)])
    for text in sorted({entry["oracle"] for entry in summary.values() if entry["oracle"]}):
        typer.echo(f"ORACLE: {text}")
    typer.echo(
        f"mAP in percent: clean, then the mean over levels {levels[0]:g} to {levels[-1]:g} on {damage.stress_on}; "
        f"robustness is the mean of these.\nfigure: {out / 'curves.png'}"
    )


def _words(kind: str, side: str) -> str:
    return kind if side == "any" else f"{kind}, {side}"
