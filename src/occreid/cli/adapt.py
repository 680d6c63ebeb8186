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
    statistics: Annotated[
        bool | None,
        typer.Option(
            "--statistics/--no-statistics",
            help="Estimate batch-norm statistics; left out, not where training kept those it started with.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, help="Also train so many epochs on clusters of the pictures.")
    ] = 0,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Fit a model to your own crops, without labels.

    Its batch-norm statistics are estimated again: seconds, and nothing is learned of who is who. A model that was
    trained with fixed statistics, as occreid-lite was, keeps them: it needs --rounds. These train on clusters of the
    pictures, which are taken for persons: minutes, and worth more. Thousands of crops of several cameras serve best.

    For example:

        occreid adapt occreid-lite crops --rounds 8 --out models/my-cameras

        occreid adapt runs/market crops --out models/my-cameras
    """
    from occreid.training.adapting import adapt_model
    from occreid.training.pseudo_labels import Round

    def show(number: int, round_: Round) -> None:
        if not as_json:
            found = f"{round_.clusters:,} clusters of {round_.pictures:,} pictures"
            typer.echo(f"round {number} of {rounds}: {found}, loss {round_.loss:.3f}")

    how = {"batch_size": batch_size, "workers": workers, "device": device, "seed": seed, "progress": not as_json}
    note = adapt_model(model, pictures, out, statistics=statistics, rounds=rounds, on_round=show, **how)
    if as_json:
        typer.echo(json.dumps({"model": str(out), **note}, indent=2))
        return
    typer.echo(f"{out}: {note['how']} ({note['pictures']:,}). Measured figures of {model} hold no more.")
