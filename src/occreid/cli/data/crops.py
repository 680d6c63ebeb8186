"""`occreid data crops`: the persons of COCO-DensePose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.console import progress


def crops(
    root: Annotated[Path, typer.Argument(help="The folder that holds COCO's train2014 and annotations.")],
    part: Annotated[str, typer.Option("--part", help="train or val.")] = "train",
    out: Annotated[
        Path | None, typer.Option("--out", help="Default: densepose_crops (of val: densepose_crops_val) in the folder.")
    ] = None,
    margin: Annotated[float, typer.Option("--margin", min=0.0, help="Of the box's sides, added on each side.")] = 0.0,
    min_height: Annotated[int, typer.Option("--min-height", min=0, help="Leave out lower persons, in pixels.")] = 0,
) -> None:
    """Cut the persons of COCO-DensePose out, with masks of the four body parts.

    Example: occreid data crops data/coco
    """
    from occreid.data.benchmarks.coco_densepose import CROPS, read_persons, write_crops
    from occreid.errors import UserError, did_you_mean

    if part not in ("train", "val"):
        raise UserError(f"COCO-DensePose has no part '{part}'.", did_you_mean(part, ("train", "val")))
    persons = read_persons(root, part, min_height)
    target = out or root / CROPS[part]
    with progress("cutting", len(persons)) as tick:
        for _ in write_crops(persons, target, margin=margin):
            tick()
    typer.echo(f"{len(persons)} persons written to {target}")
