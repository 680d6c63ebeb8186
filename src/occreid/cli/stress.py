"""`occreid stress`: curves of accuracy under rising stress, for one model or several side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.console import percent, print_table
from occreid.cli.options import BatchSize, Device, Json, On, Option, StressOn
from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import oracle_of
from occreid.errors import UserError
from occreid.files import write_json

if TYPE_CHECKING:
    from occreid.evaluation.stress_curves import Curve
    from occreid.records import Split

Runs = Annotated[list[Path], typer.Argument(help="Run folders.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for points (resumable), table and figure.")]
Kinds = Annotated[
    str, typer.Option("--kinds", help="Comma-separated KIND or KIND:SIDE; see --stress of occreid evaluate.")
]
Levels = Annotated[str, typer.Option("--levels", help="Rising, comma-separated.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the stress and the bootstrap.")]
Occluders = Annotated[str, typer.Option("--occluders", help="Cut-outs of 'object': a folder, or procedural.")]


def register(app: typer.Typer) -> None:
    """Add the command `stress`."""
    app.command()(stress)


def stress(
    runs: Runs,
    out: Out,
    on: On = None,
    option: Option = None,
    kinds: Kinds = "object,person,texture,flat",
    levels: Levels = "0,0.1,0.2,0.3,0.4,0.5,0.6",
    stress_on: StressOn = "query",
    seed: Seed = 0,
    occluders: Occluders = "procedural",
    device: Device = "auto",
    batch_size: BatchSize = 64,
    as_json: Json = False,
) -> None:
    """Measure how accuracy falls while pictures get worse; a run that was stopped goes on where it was.

    For example:

        occreid stress runs/baseline runs/ssgr --out stress

        occreid stress runs/first --kinds object:bottom,shift,blur,dark,small --levels 0,0.2,0.4 --out stress
    """
    from occreid.evaluation.stress_curves import robustness
    from occreid.report.curves import draw_curves

    if len({run.name for run in runs}) < len(runs):
        raise UserError("two runs have the same name.", "Rename a folder: names tell the curves apart.")
    wanted, heights = _kinds(kinds), _levels(levels)
    splits = _one_benchmark(runs, on, option)
    curves = {
        run.name: _measure(
            run, split, out, wanted, heights, stress_on, seed, occluders, device, batch_size, quiet=as_json
        )
        for run, split in zip(runs, splits, strict=True)
    }
    oracles = {run.name: oracle_of(split, stressed=True) for run, split in zip(runs, splits, strict=True)}
    shown = {name: f"{name} (oracle)" if told else name for name, told in oracles.items()}
    panels = {
        str(kind if side == "any" else f"{kind}, {side}"): {
            shown[name]: own[number].points for name, own in curves.items()
        }
        for number, (kind, side) in enumerate(wanted)
    }
    draw_curves(panels, out / "curves.png")
    summary = {name: {"oracle": oracles[name], **_summary(own, robustness(own))} for name, own in curves.items()}
    write_json(out / "summary.json", summary)
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    rows = [
        [shown[name], percent(own[0].points[0].mean_ap), *(percent(c.area) for c in own), percent(robustness(own))]
        for name, own in curves.items()
    ]
    print_table(["", "clean", *panels, "robustness"], rows)
    for told in sorted({text for text in oracles.values() if text}):
        typer.echo(f"ORACLE: {told}")
    typer.echo(
        f"mAP in percent: clean, then the mean over levels {heights[0]:g} to {heights[-1]:g} on {stress_on}; "
        f"robustness is the mean of these.\nfigure: {out / 'curves.png'}"
    )


def _one_benchmark(runs: list[Path], on: list[str] | None, option: list[str] | None) -> list[Split]:
    """The benchmark of each run; they may differ in masks alone."""
    splits = []
    for run in runs:
        found = load_benchmarks(run, on, option)
        if len(found) > 1:
            raise UserError("stress is measured on one benchmark at a time.", "Give --on once.")
        splits += found
    for run, split in zip(runs, splits, strict=True):
        for part in ("query", "gallery"):
            first, own = ([(r.path.name, r.pid, r.camid) for r in getattr(one, part)] for one in (splits[0], split))
            if first != own:
                raise UserError(
                    f"{run} was trained on another benchmark than {runs[0]} ({part}: {split.name}, {len(own):,} "
                    f"images; {splits[0].name}, {len(first):,} images).",
                    "Curves compare on one: give it by --on NAME=ROOT.",
                )
    return splits


def _measure(
    run: Path,
    split: Split,
    out: Path,
    wanted: list[tuple[Any, Any]],
    levels: list[float],
    stress_on: str,
    seed: int,
    occluders: str,
    device: str,
    batch_size: int,
    *,
    quiet: bool,
) -> list[Curve]:
    from occreid.data.masks.evaluation import TEST_MASKS, has_test_masks
    from occreid.data.occlusion.library import OccluderLibrary
    from occreid.evaluation.stress_curves import CurveLog, measure_curves
    from occreid.extraction import extract
    from occreid.models import load_model, read_card

    card, model, masks = read_card(run), load_model(run), has_test_masks(split)
    about = {
        "weights_sha256": card.get("sha256"),
        "benchmark": split.name,
        "counts": split.counts(),
        "occluders": occluders,
        "seed": seed,
        **({TEST_MASKS: split.notes[TEST_MASKS]} if masks else {}),
    }
    return measure_curves(
        lambda records, alter: extract(
            model, records, batch_size=batch_size, device=device, masks=masks, alter=alter, progress=False
        ),
        model.refine,
        split,
        model.metric,
        wanted,
        CurveLog(out / f"{run.name}.json", about),
        levels=levels,
        on=stress_on,
        seed=seed,
        library=OccluderLibrary.open(occluders),
        progress=lambda key: None if quiet else typer.echo(f"{run.name}: {key}", err=True),
    )


def _summary(curves: list[Curve], robust: float) -> dict[str, Any]:
    return {
        "robustness": robust,
        "curves": [{"kind": c.kind, "side": c.side, "area": c.area, "kept": c.kept} for c in curves],
    }


def _kinds(text: str) -> list[tuple[Any, Any]]:
    from occreid.data.occlusion.stress import Stress

    found = []
    for word in text.split(","):
        kind, _, side = word.strip().partition(":")
        found.append((kind, side or "any"))
        Stress(kind, 0.1, side or "any")  # type: ignore[arg-type]  # says what is wrong with it
    return found


def _levels(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError as error:
        raise UserError(f"--levels {text} is not a list of numbers.", "For example: --levels 0,0.2,0.4") from error
