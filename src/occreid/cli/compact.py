"""`occreid compact`: shorter descriptors on disk, by a projection learned on training images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.options import Json
from occreid.cli.subjects import ABOUT, REFINED
from occreid.errors import UserError
from occreid.files import read_json, write_json

PROJECTION = "projection.safetensors"


def register(app: typer.Typer) -> None:
    """Add the command `compact`."""
    app.command()(compact)


def compact(
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

        occreid compact descriptors --dim 512 --out descriptors-512

        occreid evaluate descriptors-512
    """
    from occreid.descriptors import Descriptors
    from occreid.retrieval import Projection, fit_projection

    about = _about(source)
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty.", "Choose another --out.")
    if projection is not None:
        learned = Projection.load(projection)
    else:
        fit = fit or source / "train"
        if not fit.is_dir():
            raise UserError(
                f"there are no descriptors of training images in {fit}.",
                "Write them with: occreid extract --parts train,query,gallery; or give --fit or --projection.",
            )
        learned = fit_projection(Descriptors.load(fit), about["metric"], dim, whiten)
    if learned.metric != about["metric"]:
        raise UserError(
            f"{projection} was learned for the metric {learned.metric}, {source} is compared by {about['metric']}.",
            "Learn one on descriptors of the same model.",
        )
    folder = source / REFINED if (source / REFINED).is_dir() else source
    parts = [part for part in ("query", "gallery", "train") if (folder / part).is_dir()]
    groups, inputs, outputs = learned.components.shape
    short = {part: learned.apply(Descriptors.load(folder / part)) for part in parts}
    for part, descriptors in short.items():
        descriptors.save(out / part)
    learned.save(out / PROJECTION)
    said = {
        "from": groups * inputs,
        "to": groups * outputs,
        "whiten": learned.whiten,
        "variance_kept": learned.kept,
        "learned_on": learned.images,
    }
    write_json(out / ABOUT, {**about, "compact": said})
    if as_json:
        typer.echo(json.dumps({"out": str(out), **said}, indent=2))
        return
    typer.echo(
        f"{said['from']:,} numbers became {said['to']:,}, with {100 * learned.kept:.1f} % of the variance of "
        f"{learned.images:,} training images\ndescriptors are in {out}"
    )


def _about(source: Path) -> dict[str, Any]:
    return read_json(source / ABOUT, hint="Write it with: occreid extract")
