"""`occreid push`: a trained model to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def push(
    run: Annotated[Path, typer.Argument(help="A run folder or .safetensors file.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Where to; made if missing.")],
    private: Annotated[bool, typer.Option("--private", help="A repository made now is seen by you only.")] = False,
    message: Annotated[str, typer.Option("--message", "-m", help="Of the commit.")] = "",
    dry: Annotated[Path | None, typer.Option("--dry", help="Write what would go there to this folder instead.")] = None,
) -> None:
    """Share a model on the Hugging Face hub: weights, card, results and a page made of them.

    For example:

        occreid push runs/market anna/market-ssgr --dry look      # read look/README.md first

        occreid push runs/market anna/market-ssgr

    Anybody takes it with: occreid.load_model("hf:anna/market-ssgr")
    """
    from occreid.files import replacing
    from occreid.models import hub

    if dry is not None:
        for name, content in hub.gather(run).items():
            with replacing(dry / name, what="a file for the hub") as part:
                part.write_bytes(content)
            typer.echo(f"{dry / name}: {len(content):,} bytes")
        return
    typer.echo(f'occreid.load_model("{hub.push(run, repository, private=private, message=message)}")')
