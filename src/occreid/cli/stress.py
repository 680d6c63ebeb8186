"""`occreid stress`: curves of accuracy under rising stress, for one model or several side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import percent, print_table
from occreid.cli.groups import Benchmarks, grouped
from occreid.cli.options import BatchSize, Device, Json, StressOn, parse_numbers
from occreid.errors import UserError
from occreid.files import write_json

Runs = Annotated[list[Path], typer.Argument(help="Run folders.")]
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
    runs: Runs,
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
    from occreid.data.occlusion.library import OccluderLibrary
    from occreid.evaluation import Describer, Settings
    from occreid.evaluation.describe import check_on
    from occreid.evaluation.stress_curves import (
        check_levels,
        curves_summary,
        measure_curves,
        open_log,
        require_same_images,
    )
    from occreid.models import load_model
    from occreid.report.curves import draw_curves

    if len({run.name for run in runs}) < len(runs):
        raise UserError("two runs have the same name.", "Rename a folder: names tell the curves apart.")
    wanted, heights = damage.wanted(), parse_numbers("--levels", damage.levels, float, "0,0.2,0.4")
    occluders, seed, stress_on = damage.occluders, damage.seed, damage.stress_on
    check_levels(heights)
    check_on(stress_on)
    settings = Settings(device, batch_size=batch_size)
    splits = {str(run): benchmarks.only(run, "stress is measured on one benchmark at a time.") for run in runs}
    require_same_images(splits)
    library = OccluderLibrary.open(occluders)
    summary, shown, panels = {}, [], {_words(*stress): {} for stress in wanted}
    rows = []
    for run, split in zip(runs, splits.values(), strict=True):
        describer = Describer(load_model(run), split, settings=settings)
        curves = measure_curves(
            *(describer, wanted, open_log(describer, out, run.name, occluders, seed)),
            levels=heights,
            on=stress_on,
            seed=seed,
            library=library,
            progress=_progress(run.name, quiet=as_json),
        )
        oracle = describer.marked(stressed=True).oracle
        summary[run.name] = curves_summary(curves, oracle)
        shown.append(f"{run.name} (oracle)" if oracle else run.name)
        for panel, curve in zip(panels.values(), curves, strict=True):
            panel[shown[-1]] = curve.points
        areas = [percent(curve.area) for curve in curves]
        rows.append([shown[-1], percent(curves[0].points[0].mean_ap), *areas, percent(summary[run.name]["robustness"])])
    draw_curves(panels, out / "curves.png")
    write_json(out / "summary.json", summary)
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    print_table(["", "clean", *panels, "robustness"], rows)
    for text in sorted({entry["oracle"] for entry in summary.values() if entry["oracle"]}):
        typer.echo(f"ORACLE: {text}")
    typer.echo(
        f"mAP in percent: clean, then the mean over levels {heights[0]:g} to {heights[-1]:g} on {stress_on}; "
        f"robustness is the mean of these.\nfigure: {out / 'curves.png'}"
    )


def _progress(name: str, quiet: bool) -> Callable[[str], None]:
    return lambda key: None if quiet else typer.echo(f"{name}: {key}", err=True)


def _words(kind: str, side: str) -> str:
    return kind if side == "any" else f"{kind}, {side}"
