"""`occreid data occluders`: a library of cut-outs for occlusion augmentation, from COCO or drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def occluders(
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG cut-outs to.")],
    coco: Annotated[
        Path | None,
        typer.Option("--coco", help="The folder that holds COCO's annotations and pictures; left out, they are drawn."),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="train2017, val2017, train2014 or val2014; left out, the first there.")
    ] = None,
    categories: Annotated[
        list[str] | None, typer.Option("--category", help="One of COCO's categories; may be repeated.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="How many cut-outs.")] = 300,
    min_side: Annotated[int, typer.Option("--min-side", min=1, help="Pixels that both sides must have.")] = 80,
    seed: Annotated[int, typer.Option("--seed", help="Chooses, or draws, the cut-outs.")] = 0,
) -> None:
    """Make a library of occluders: things cut out of COCO's photographs, or drawn ones.

    Example: occreid data occluders --coco data/coco --out data/occluders

    Use it with: --set method.options.occluders=data/occluders
    """
    from occreid.cli.console import progress
    from occreid.data.occlusion import coco_cutouts as coco_things
    from occreid.data.occlusion.library import write_library
    from occreid.errors import UserError

    if out.is_dir() and any(out.iterdir()):
        raise UserError(
            f"the folder {out} is not empty.", "Give a new one, so that no old cut-out stays in the library."
        )
    if coco is None:
        written = write_library(count, seed, out)
    else:
        found = coco_things.read_obstacles(coco, part, tuple(categories or coco_things.OBSTACLES), min_side)
        chosen = coco_things.choose_obstacles(found, count, seed)
        with progress("cutting", len(chosen)) as tick:
            written = 0
            for _ in coco_things.write_cutouts(chosen, out):
                written += 1
                tick()
    typer.echo(f"{written} occluders written to {out}")
