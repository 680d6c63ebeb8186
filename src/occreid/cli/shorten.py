"""`occreid shorten`: shorter descriptors on disk, by a projection learned on training images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Json


def shorten(
    source: Annotated[Path, typer.Argument(help="A folder of 'occreid extract'.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; new or empty.")],
    dim: Annotated[int, typer.Option("--dim", min=1, help="Numbers kept of a descriptor (of each part).")] = 512,
    whiten: Annotated[float, typer.Option("--whiten", help="0 keeps the variances, 1 makes all equal.")] = 0.0,
    fit: Annotated[
        Path | None, typer.Option("--fit", help="Descriptors to learn on; left out, the train part of the folder.")
    ] = None,
    projection: Annotated[
        Path | None, typer.Option("--projection", metavar="FILE", help="Use this one, learned before.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Shorten descriptors by principal components learned on training images.

    For example:

        occreid extract runs/han --parts train,query,gallery --out descriptors

        occreid shorten descriptors --dim 512 --out descriptors-512

        occreid evaluate descriptors-512
    """
    from occreid.evaluation.shorten import shorten_folder

    done = shorten_folder(source, out, dim, whiten, fit=fit, projection=projection)
    if as_json:
        typer.echo(json.dumps({"out": str(out), **done}, indent=2))
        return
    typer.echo(
        f"{done['from']:,} numbers became {done['to']:,}, with {100 * done['variance_kept']:.1f} % of the variance of "
        f"{done['learned_on']:,} training images\ndescriptors are in {out}"
    )
