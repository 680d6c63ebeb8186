"""`occreid adapt`: fit a model to one's own cameras, without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Device, Json, Workers
from occreid.errors import UserError

Model = Annotated[Path, typer.Argument(help="A run folder, a model folder, or the name of a model of the package.")]
Pictures = Annotated[Path, typer.Argument(help="A folder of crops of persons, at any depth; no labels are needed.")]
Out = Annotated[Path, typer.Option("--out", help="The folder for the adapted model.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the order of the pictures.")]

_NO_LONGER_TRUE = ("metrics", "figures", "calibration")  # what was measured with the statistics before


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
    from occreid.data.walk import existing_folder, images_under
    from occreid.models import load_model, read_card, save_model
    from occreid.models.weights import WRITTEN
    from occreid.training.adapting import adapt_statistics

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and is not empty.", "Give a new folder.")
    card, network = read_card(model), load_model(model)
    files = images_under(existing_folder(pictures))
    layers = adapt_statistics(
        network, files, batch_size=batch_size, workers=workers, device=device, seed=seed, progress=not as_json
    )
    note = {
        "how": "batch-norm statistics estimated again on unlabelled pictures",
        "pictures": len(files),
        "layers": layers,
        "batch_size": batch_size,
        "seed": seed,
        "from_sha256": card.get("sha256"),
    }
    kept = {key: value for key, value in card.items() if key not in (*WRITTEN, *_NO_LONGER_TRUE)}
    save_model(network, out, {**kept, "adapted": note})
    if as_json:
        typer.echo(json.dumps({"model": str(out), **note}, indent=2))
        return
    typer.echo(f"{out}: {layers} layers adapted to {len(files):,} pictures. Measured figures of {model} hold no more.")
