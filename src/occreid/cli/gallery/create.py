"""`occreid gallery create`."""

from __future__ import annotations

import typer

from occreid.cli.gallery.options import Model, Uri
from occreid.cli.options import OWN_MODEL, FlipTest


def create(uri: Uri, model: Model = OWN_MODEL, flip_test: FlipTest = False) -> None:
    """Make an empty gallery for the descriptors of a model.

    Example: occreid gallery create galleries/door --model runs/market
    """
    from occreid.gallery import create_gallery, manifest_of
    from occreid.models import load_model, read_card

    network = load_model(model)
    network.flip_test = network.flip_test or flip_test
    manifest = manifest_of(network, read_card(model), model)
    create_gallery(uri, manifest).close()
    typer.echo(
        f"{uri} takes descriptors of {manifest.model_name}: {manifest.parts} parts of {manifest.dim}, {manifest.metric}"
    )
