"""`occreid data`: list, verify, describe, generate and build benchmarks; one command per file."""

from __future__ import annotations

import typer

from occreid.cli.data.anonymize import anonymize
from occreid.cli.data.build import build
from occreid.cli.data.crops import crops
from occreid.cli.data.export import export
from occreid.cli.data.listing import list_
from occreid.cli.data.occlude import occlude
from occreid.cli.data.occluders import occluders
from occreid.cli.data.split import split
from occreid.cli.data.stats import stats
from occreid.cli.data.synth import synth
from occreid.cli.data.verify import verify


def register(app: typer.Typer) -> None:
    """Add the group `data`."""
    group = typer.Typer(
        name="data", help="List, verify, describe, generate and build benchmarks.", no_args_is_help=True
    )
    group.command("list")(list_)
    for command in (verify, stats, split, synth, crops, build, export, anonymize, occluders, occlude):
        group.command()(command)
    app.add_typer(group)
