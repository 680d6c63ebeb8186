"""`occreid data split`: own crops become a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Json


def split(
    source: Annotated[
        Path, typer.Argument(help="A folder with one folder a person, any folder with --pattern, or a CSV.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The CSV to write; the pictures stay where they are.")],
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help=r"Of paths below the folder, e.g. '(?P<camid>\w+)/(?P<pid>\w+)_.*'."),
    ] = None,
    train: Annotated[
        float, typer.Option("--train", min=0, help="Share of the persons to train on; 0 only tests.")
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw.")] = 0,
    as_json: Json = False,
) -> None:
    """Draw persons into training and test, and queries from the test persons' pictures.

    For example:

        occreid data split crops --out crops/split.csv

        occreid train baseline/folder --set data.root=crops/split.csv
    """
    from occreid.data.splitting import draw_parts, read_sightings, write_table

    counts = write_table(draw_parts(read_sightings(source, pattern), train=train, seed=seed), out)
    if as_json:
        typer.echo(json.dumps({"table": str(out), **counts}))
        return
    parts = ", ".join(f"{count:,} {part}" for part, count in counts.items())
    typer.echo(f"{out}: {parts}. Read it with: --on folder={out}")
