"""`occreid clever-hans`: does a model match persons, or the things in front of them?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.groups import Benchmarks, grouped
from occreid.cli.options import OWN_MODEL, Device, Json, require_known
from occreid.errors import UserError

Run = Annotated[
    Path, typer.Argument(help="A run folder, a .safetensors file, or for --natural a folder of 'occreid extract'.")
]
Natural = Annotated[
    str | None,
    typer.Option(
        "--natural",
        metavar="kind|id",
        help="Paste nothing: take what the benchmark says hides each person, and count as shared its kind or the very "
        "thing.",
    ),
]
Trials = Annotated[int, typer.Option("--trials", min=1, help="How many; they go round the queries.")]
Share = Annotated[float, typer.Option("--share", help="Share of each picture that is covered, at most 0.9.")]
Occluders = Annotated[
    str, typer.Option("--occluders", help="A folder of cut-outs, unseen (no training shows them) or procedural.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of pictures, things and places.")]
Sheet = Annotated[Path | None, typer.Option("--sheet", metavar="PNG", help="Write the most telling pictures.")]


@grouped
def clever_hans(
    *,
    run: Run = OWN_MODEL,
    benchmarks: Benchmarks,
    trials: Trials = 240,
    share: Share = 0.4,
    occluders: Occluders = "unseen",
    seed: Seed = 0,
    sheet: Sheet = None,
    natural: Natural = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ask whether a model follows the occluder: 0 if it ignores it, 1 if it looks at nothing else.

    For example:

        occreid clever-hans runs/first --trials 240 --sheet fooled.png

        occreid clever-hans runs/first --on market1501=data/market1501 --occluders data/cutouts

        occreid clever-hans runs/first --on occsynth=data/occsynth-demo --natural kind
    """
    from occreid.evaluation.clever_hans_runs import pasted_rows

    if natural is not None:
        if sheet is not None:
            raise UserError("there is no sheet of natural occluders.", "Leave --sheet out, or --natural.")
        _natural(run, benchmarks, natural, seed, device, as_json)
        return
    given = {"trials": trials, "share": share, "seed": seed, "device": device, "sheet": sheet}
    rows = pasted_rows(run, benchmarks.splits(run), occluders, **given)
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        low, high = row["interval"]
        typer.echo(
            f"{row['benchmark']}: Clever Hans score {row['score']:.3f} (95 % {low:.3f} to {high:.3f}), "
            f"{row['trials']} trials\n"
            f"  a wrong image wins while it shares the query's occluder: {100 * row['fooled']:.1f} %\n"
            f"  the same image wins behind another occluder:             {100 * row['fooled_anyway']:.1f} %\n"
            f"  a query is most like itself behind another occluder:     {100 * row['consistency']:.1f} %"
        )


def _print_json(rows: Iterable[dict[str, Any]]) -> None:
    """All rows as one list, also where a later one cannot be made."""
    found: list[dict[str, Any]] = []
    try:
        found.extend(rows)
    finally:
        if found:
            typer.echo(json.dumps(found, indent=2))


def _natural(run: Path, benchmarks: Benchmarks, by: str, seed: int, device: str, as_json: bool) -> None:
    """Of what hides people in the benchmarks' own pictures."""
    from occreid.evaluation.clever_hans_runs import natural_rows
    from occreid.evaluation.saved import is_extracted

    require_known("--natural", by, ("kind", "id"))
    splits = None if benchmarks.on is None and is_extracted(run) else benchmarks.splits(run)
    rows = natural_rows(run, splits, by, seed=seed, device=device)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        low, high = row["interval"]
        what, other = ("kind", "another kind") if by == "kind" else ("very thing", "another of its kind")
        typer.echo(
            f"{row['benchmark']}: Clever Hans score without pasting {row['score']:.3f} (95 % {low:.3f} to {high:.3f}), "
            f"{row['queries']:,} of {row['queries_in_all']:,} queries\n"
            f"  a wrong image wins behind the query's {what}: {100 * row['fooled']:.1f} % "
            f"({row['shared_pairs']:,} pairs with a right one)\n"
            f"  a wrong image wins behind {other}: {100 * row['fooled_anyway']:.1f} % ({row['other_pairs']:,} pairs)"
        )
        if row["oracle"]:
            typer.echo(f"  ORACLE: {row['oracle']}")
