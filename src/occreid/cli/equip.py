"""`occreid equip`: put a parser beside a model that needs masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.errors import UserError


def equip(
    model: Annotated[Path, typer.Argument(help="A run folder or model folder of a method that needs masks.")],
    masks: Annotated[Path, typer.Option("--masks", help="A run or model folder of a parser, or of hpnet.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for both.")],
) -> None:
    """Write a model together with the parser that makes its masks, so that it works wherever only pictures are given.

    Galleries, the service, searches, stress and Clever Hans then mask the very pictures they see. For example:

        occreid equip runs/orgnn --masks runs/parser --out models/orgnn
    """
    from occreid.models import load_masker, load_model, read_card, save_model
    from occreid.models.weights import WRITTEN

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and is not empty.", "Give a new folder.")
    network = load_model(model)
    if network.spec is None or not network.needs_masks:
        raise UserError(f"{model} needs no masks.", "Use it as it is.")
    network.masker = load_masker(masks)
    card = read_card(model)
    save_model(network, out, {key: value for key, value in card.items() if key not in WRITTEN})
    typer.echo(f"{out}: {card['method']} with masks of {network.masker.key[:24]}")
