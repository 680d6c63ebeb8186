"""`occreid gallery create`."""

from __future__ import annotations

import typer

from occreid.cli.gallery.options import Model, Uri


def create(uri: Uri, model: Model) -> None:
    """Make an empty gallery for the descriptors of a model.

    Example: occreid gallery create galleries/door --model runs/market
    """
    from occreid.gallery import create_gallery, manifest_of
    from occreid.models import load_model, read_card

    manifest = manifest_of(load_model(model), read_card(model))
    create_gallery(uri, manifest).close()
    typer.echo(
        f"{uri} takes descriptors of {manifest.model_name}: {manifest.parts} parts of {manifest.dim}, {manifest.metric}"
    )
