"""`occreid gallery snapshot` and `restore`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.gallery.options import Uri, opened
from occreid.cli.options import Json
from occreid.timestamps import show_timestamp

Out = Annotated[Path, typer.Argument(help="A new or empty folder.")]


def snapshot(uri: Uri, out: Out, as_json: Json = False) -> None:
    """Copy a gallery as it is at one moment, with the hash of every file; a service may use it meanwhile.

    Example: occreid gallery snapshot galleries/door backups/door-2026-03-01
    """
    with opened(uri) as gallery:
        about = gallery.snapshot(out)
    _say(about, out, as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that 'occreid gallery snapshot' wrote.")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Make a gallery of a snapshot, after every file was checked; what is there already is never overwritten.

    Example: occreid gallery restore backups/door-2026-03-01 galleries/door
    """
    from occreid.gallery import restore as made

    _say(made(source, out), out, as_json)


def _say(about: dict[str, Any], out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"entries": about["entries"], "files": len(about["files"]), "made": about["made"]}))
        return
    made = show_timestamp(about["made"])
    typer.echo(f"{about['entries']:,} entries as of {made} in {len(about['files']):,} files, now in {out}")
