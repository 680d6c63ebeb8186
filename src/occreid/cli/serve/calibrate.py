"""`occreid serve calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.extracted import part_facts
from occreid.cli.options import Json
from occreid.errors import UserError
from occreid.files import read_text


def calibrate(
    descriptors: Annotated[Path, typer.Argument(help="A part's folder of 'occreid extract', e.g. descriptors/query.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("calibration.json"),
    check: Annotated[
        Path | None, typer.Option("--check", help="Other descriptors of the model, to measure the result on.")
    ] = None,
    prior: Annotated[float, typer.Option("--prior", help="Presumed share of pairs that show one person.")] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Learn what a distance is worth: a probability of being one person, and how far it can be trusted.

    Use persons the model was not trained on: of its own training persons it is too sure.

    Example: occreid serve calibrate descriptors/train --out calibration.json
    """
    from occreid.descriptors import Descriptors
    from occreid.retrieval.calibration import calibrate as fit
    from occreid.retrieval.calibration import check as measure

    about = part_facts(descriptors)
    metric, weights = about["metric"], about["weights_sha256"]
    if check is not None and [part_facts(check)[name] for name in ("metric", "weights_sha256")] != [metric, weights]:
        raise UserError(f"{check} holds descriptors of another model.", "Extract them with the same weights.")
    origin = f"{about['benchmark']} {descriptors.name}"
    found = fit(Descriptors.load(descriptors), metric, weights_hash=weights, fitted_on=origin, prior=prior, seed=seed)
    found.save(out)
    if as_json:
        typer.echo(read_text(out))
        return
    if descriptors.name == "train":
        typer.echo("warning: if the model was trained on these persons, it is too sure of itself.", err=True)
    held = found.held_out
    typer.echo(f"fitted on {found.pairs['genuine']:,} pairs of one person and {found.pairs['impostor']:,} of two")
    typer.echo(f"on persons left out: expected calibration error {held['ece']:.4f}, Brier score {held['brier']:.4f}")
    if check is not None:
        other = measure(found, Descriptors.load(check), seed=seed)
        typer.echo(f"on {check}: expected calibration error {other['ece']:.4f}, Brier score {other['brier']:.4f}")
    typer.echo(f"written to {out}")
