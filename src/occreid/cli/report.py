"""`occreid report`: one page about a trained run, or about several side by side."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.groups import Benchmarks, Running, grouped
from occreid.cli.options import OWN_MODEL, parse_words

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN…", help="Run folders or weights files; the first is the page's own.")
]
Out = Annotated[Path | None, typer.Option("--out", help="The page; left out: report.html in the first run's folder.")]
Names = Annotated[list[str] | None, typer.Option("--name", help="What to call a run; once for each, in their order.")]
Title = Annotated[str | None, typer.Option("--title", help="Heading of the page.")]
Figures = Annotated[
    Path | None, typer.Option("--figures", metavar="FOLDER", help="Write the figures as files too, for paper.")
]
Kinds = Annotated[str, typer.Option("--figure-format", help="Of png, pdf, svg; several with commas.")]
Shown = Annotated[int, typer.Option("--shown", min=1, help="Queries of each kind: differing, random, worst, best.")]
SameCamera = Annotated[
    str | None, typer.Option("--same-camera", help="junk or keep, for all runs; left out, each recipe's.")
]
Form = Annotated[str | None, typer.Option("--ap", help="step or trapezoid, for all runs; left out, each recipe's.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the random choices of queries and pictures.")]


@grouped
def report(
    *,
    runs: Runs = [OWN_MODEL],  # noqa: B006  # typer copies it
    out: Out = None,
    title: Title = None,
    name: Names = None,
    benchmarks: Benchmarks,
    figures: Figures = None,
    figure_format: Kinds = "png,pdf",
    shown: Shown = 3,
    same_camera: SameCamera = None,
    ap: Form = None,
    seed: Seed = 0,
    running: Running,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Write one self-contained page: scores, curves, distances, ranked lists, what the model looked at, the recipe.

    For example:

        occreid report runs/market

        occreid report runs/ssgr runs/baseline --on occsynth=data/occsynth-demo --out compare.html --figures figures
    """
    from occreid.report import runs as room
    from occreid.report import write_report
    from occreid.report.figure_files import KINDS, write_figures
    from occreid.retrieval import Protocol

    kinds = parse_words("--figure-format", figure_format, KINDS)
    changes: dict[str, Any] = {
        key: value for key, value in {"same_camera": same_camera, "ap": ap}.items() if value is not None
    }
    Protocol(**changes)  # says what is wrong with them before anything is read
    settings = running.settings(progress=not quiet)
    names = room.run_names(runs, name)
    split = benchmarks.only(runs[0], "a report is about one benchmark.")
    if benchmarks.on is None:
        room.require_same_data(runs, split)
    room.require_images(split)
    entries = room.run_entries(runs, names, split, settings, **changes)
    written = write_report(
        out or (runs[0] if runs[0].is_dir() else runs[0].parent) / "report.html",
        title=title or f"{names[0]} on {split.name}",
        entries=entries,
        split=split,
        recipe_text=room.run_recipes(runs, names),
        commands=[shlex.join(["occreid", *sys.argv[1:]])],
        shown=shown,
        seed=seed,
    )
    for file in [] if figures is None else write_figures(figures, kinds, entries, seed):
        typer.echo(f"figure {file}")
    typer.echo(f"report {written}")
