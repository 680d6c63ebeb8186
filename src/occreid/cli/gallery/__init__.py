"""`occreid gallery`: make, fill, look after and empty a searchable gallery; one file per command or small group."""

from __future__ import annotations

import typer

from occreid.cli.gallery.add import add
from occreid.cli.gallery.create import create
from occreid.cli.gallery.delete import compact, delete
from occreid.cli.gallery.index import index
from occreid.cli.gallery.list import list_
from occreid.cli.gallery.options import moment
from occreid.cli.gallery.snapshot import restore, snapshot
from occreid.cli.gallery.stats import stats, verify
from occreid.cli.gallery.update import update

__all__ = ["moment", "register"]


def register(app: typer.Typer) -> None:
    """Add the group `gallery`."""
    group = typer.Typer(name="gallery", help="Make, fill and look after a searchable gallery.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (create, add, update, stats, verify, delete, compact, index, snapshot, restore):
        group.command()(command)
    app.add_typer(group)
