"""`occreid demo`: from nothing to a measured, explained result in a few minutes.

Generates occsynth, trains a small network on it, measures it beside the same network untrained and beside
colour histograms, and writes a page. Every stage that is already done in the folder is not done again.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import percent, print_table
from occreid.demo.plan import Plan, Size

_SHOWN = ("mAP", "R-1", "R-5", "R-10", "mINP")


def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder to write; an interrupted demo goes on there.")] = Path(
        "demo"
    ),
    size: Annotated[Size, typer.Option("--size", help="tiny: seconds, to see that it works; demo: minutes.")] = "demo",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of data and training.")] = 0,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Train for this long instead.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes that generate and load images.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON; messages go to stderr.")] = False,
) -> None:
    """Generate data, train a small network, compare it with two references, and write a report.

    Example: occreid demo --out demo

    To see in a minute that everything works: occreid demo --size tiny --out demo-tiny
    """
    from occreid.demo.run import run_demo

    plan = Plan(out, size, seed, epochs, workers)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        results = run_demo(plan, say=lambda text: print(text, flush=True))
    if as_json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        _print(results, plan)


def _print(results: dict[str, Any], plan: Plan) -> None:
    methods = results["methods"]
    shown = [key for key in _SHOWN if all(key in entry["scores"] for entry in methods.values())]
    rows = [[name, *(percent(entry["scores"][key]) for key in shown)] for name, entry in methods.items()]
    print_table(["", *shown], rows, f"{results['data']['benchmark']}, size {results['data']['size']}, in per cent")
    if plan.is_trial:
        typer.echo("so small a set shows that everything works, not how well: leave out --size for figures that count")
    times = [*(f"{name} kept" for name in results["kept"])]
    times += [f"{name} {seconds:.0f} s" for name, seconds in results["seconds"].items()]
    together = sum(results["seconds"].values()) / 60
    typer.echo(f"time: {', '.join(times)}; together {together:.1f} min\nreport: {plan.report}")
