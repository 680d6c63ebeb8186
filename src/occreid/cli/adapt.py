"""`occreid adapt`: fit a model to one's own cameras, without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Device, Json, Workers

Model = Annotated[Path, typer.Argument(help="A run folder, a model folder, or the name of a model of the package.")]
Pictures = Annotated[Path, typer.Argument(help="A folder of crops of persons, at any depth; no labels are needed.")]
Out = Annotated[Path, typer.Option("--out", help="The folder for the adapted model.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the order of the pictures.")]


def adapt(
    model: Model,
    pictures: Pictures,
    out: Out,
    seed: Seed = 0,
    device: Device = "auto",
    batch_size: Annotated[int, typer.Option("--batch-size", min=16, help="Pictures at once.")] = 64,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Estimate a model's batch-norm statistics again on your own crops: seconds, no labels, no training.

    Pictures of the persons to be found later do no harm: nothing is learned of who is who.

    For example:

        occreid adapt occreid-lite crops --out models/my-cameras
    """
    from occreid.training.adapting import adapt_model

    how = {"batch_size": batch_size, "workers": workers, "device": device, "seed": seed, "progress": not as_json}
    note = adapt_model(model, pictures, out, **how)
    if as_json:
        typer.echo(json.dumps({"model": str(out), **note}, indent=2))
        return
    layers, files = note["layers"], note["pictures"]
    typer.echo(f"{out}: {layers} layers adapted to {files:,} pictures. Measured figures of {model} hold no more.")
