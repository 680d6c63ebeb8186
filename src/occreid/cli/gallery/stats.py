"""`occreid gallery stats` and `verify`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from occreid.cli.gallery.options import Uri, opened
from occreid.cli.options import Json
from occreid.timestamps import show_timestamp


def stats(uri: Uri, as_json: Json = False) -> None:
    """Count what a gallery holds.

    Example: occreid gallery stats galleries/door
    """
    with opened(uri) as gallery:
        found = gallery.stats()
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    made = found.manifest
    typer.echo(f"{found.entries:,} entries of {found.persons:,} known persons, {len(found.cameras)} cameras")
    typer.echo(f"described by {made.model_name or 'a model'} {made.weights_hash[:12]}…, {made.parts} × {made.dim}")
    typer.echo(f"compared by {made.metric}, {found.index['type'] + ' index' if found.index else 'no index'}")
    if found.earliest is not None and found.latest is not None:
        typer.echo(f"taken from {show_timestamp(found.earliest)} to {show_timestamp(found.latest)}")
    if found.bytes_on_disk is not None:
        typer.echo(
            f"{found.bytes_on_disk / 2**20:,.1f} MiB, {found.bytes_on_disk / max(found.entries, 1):,.0f} bytes each"
        )
    for name, counts in (("camera", found.cameras), ("tag", found.tags)):
        for key, count in counts.items():
            typer.echo(f"  {name} {key}: {count:,}")


def verify(uri: Uri, as_json: Json = False) -> None:
    """Read every entry and check it. Exit code 0: sound; 1: problems were found.

    Example: occreid gallery verify galleries/door
    """
    with opened(uri) as gallery:
        report = gallery.verify()
    if as_json:
        typer.echo(json.dumps({"sound": report.sound, **asdict(report)}, indent=2))
    else:
        for problem in report.problems:
            typer.echo(f"  {problem}")
        typer.echo(f"{report.entries:,} entries, {'sound' if report.sound else 'NOT sound'}")
    if not report.sound:
        raise typer.Exit(1)
