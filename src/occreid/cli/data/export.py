"""`occreid data export`: a benchmark as Parquet with the pictures inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.console import progress
from occreid.cli.groups import Benchmark, grouped
from occreid.cli.options import Json


@grouped
def export(
    *,
    benchmark: Benchmark,
    out: Annotated[Path, typer.Option("--out", help="The folder for train.parquet, query.parquet, gallery.parquet.")],
    masks: Annotated[bool, typer.Option("--masks/--no-masks", help="Whether part masks go along.")] = True,
    as_json: Json = False,
) -> None:
    """Write a benchmark as Parquet with the pictures' bytes inside, for other tools.

    Example: occreid data export data/occsynth-demo --out occsynth-parquet

    Hugging Face's datasets read it with: load_dataset("parquet", data_dir="occsynth-parquet")
    """
    from occreid.data.parquet import write_parquet

    split = benchmark.split()
    with progress("writing", len(split.records)) as tick:
        written = write_parquet(split, out, masks=masks, tick=tick)
    if as_json:
        typer.echo(json.dumps(written))
    else:
        typer.echo(f"{out}: " + ", ".join(f"{part} {count:,}" for part, count in written.items()))
