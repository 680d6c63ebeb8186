"""`occreid data synth`: generate occsynth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.data.shared import Sheet, print_counts, write_sheet
from occreid.cli.splits import load_split


def synth(
    size: Annotated[str, typer.Option("--size", help="tiny (seconds), demo (a minute) or large (GPU training).")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; new or empty.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 1,
    sheet: Sheet = None,
) -> None:
    """Generate occsynth: persons, cameras and occluders, with exact labels.

    Example: occreid data synth --size demo --out data/occsynth --workers 2 --sheet sheet.png
    """
    from occreid.synth import generate

    written = generate(out, size=size, seed=seed, workers=workers)
    split = load_split(Path(written), "occsynth", {})
    print_counts(split)
    if sheet:
        write_sheet(split, sheet)
    typer.echo(f"written to {written}")
