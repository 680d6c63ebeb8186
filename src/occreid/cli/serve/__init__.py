"""`occreid serve`: the service, its keys, its calibration; one file per command or small group."""

from __future__ import annotations

import typer

from occreid.cli.serve import audit, keys
from occreid.cli.serve.calibrate import calibrate
from occreid.cli.serve.run import serve


def register(app: typer.Typer) -> None:
    """Add the group `serve`."""
    group = typer.Typer(
        name="serve",
        help="Enrol, search, compare and explain over HTTP, with a page for people.",
        invoke_without_command=True,
    )
    group.callback()(serve)
    keys.register(group)
    audit.register(group)
    group.command("calibrate")(calibrate)
    app.add_typer(group)
