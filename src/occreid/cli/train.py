"""`occreid train`: train a recipe, resume a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.errors import UserError

Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be given several times."),
]


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A YAML file, or a shipped recipe such as baseline/market1501.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The run folder to write; new or empty.")] = None,
    settings: Setting = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run.")
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option("--init-from", metavar="WEIGHTS", help="Start from these weights: a run folder or .safetensors."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train a model.

    Example: occreid train baseline/market1501 --set data.root=data/market1501 --out runs/market

    After a crash, or Ctrl-C: occreid train --resume runs/market
    """
    from occreid import training

    settings = settings or []
    if resume is not None:
        for name, given in (("--out", out), ("--init-from", init_from)):
            if given is not None:
                raise UserError(
                    f"{name} and --resume exclude each other.", "A resumed run keeps what it was started with."
                )
        training.resume(resume, recipe=recipe, overrides=settings, progress=not quiet)
        return
    if recipe is None or out is None:
        what = "recipe" if recipe is None else "run folder"
        raise UserError(
            f"there is no {what} given.", "Write e.g.: occreid train baseline/occsynth_tiny --out runs/first"
        )
    resolved = training.load_recipe(recipe, [*settings, *_init(init_from)])
    training.train(resolved, out, progress=not quiet)


def _init(init_from: str | None) -> list[str]:
    """``--init-from`` as an override, quoted so that no file name is read as a YAML number."""
    return [] if init_from is None else ["training.init_from='" + init_from.replace("'", "''") + "'"]
