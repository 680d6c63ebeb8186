"""`occreid data synth`: generate occsynth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.data.shared import Sheet, print_counts, write_sheet
from occreid.cli.splits import load_split
from occreid.errors import UserError


def synth(
    out: Annotated[Path, typer.Option("--out", help="The folder to write; new or empty.")],
    size: Annotated[
        str | None, typer.Option("--size", help="tiny, demo, large, IDSxIMAGES; of occsynth-2 also study.")
    ] = None,
    edition: Annotated[str, typer.Option("--edition", help="occsynth-1 or occsynth-2.")] = "occsynth-1",
    ids: Annotated[int | None, typer.Option("--ids", help="Training identities, instead of --size.")] = None,
    images_per_id: Annotated[int, typer.Option("--images-per-id", help="Training images each, with --ids.")] = 8,
    cameras: Annotated[int, typer.Option("--cameras", help="Of the whole set, with --ids.")] = 24,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 1,
    sheet: Sheet = None,
) -> None:
    """Generate occsynth: persons, cameras and occluders, with exact labels.

    Example: occreid data synth --size demo --out data/occsynth --workers 2 --sheet sheet.png

    Example: occreid data synth --edition occsynth-2 --ids 3000 --images-per-id 8 --cameras 32 --out data/train
    """
    from occreid.synth import generate, own_size

    if (size is None) == (ids is None):
        raise UserError("give either --size or --ids.", "For example: --size demo, or --ids 3000 --images-per-id 8")
    wanted = own_size(ids, images_per_id, cameras) if ids is not None else str(size)
    written = generate(out, size=wanted, seed=seed, workers=workers, edition=edition)
    split = load_split(Path(written), "occsynth", {})
    print_counts(split)
    if sheet:
        write_sheet(split, sheet)
    typer.echo(f"written to {written}")
