"""`occreid gallery delete` and `compact`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from occreid.cli.gallery.options import Cameras, End, Persons, Start, Tags, Uri, filter_of, moment, opened
from occreid.cli.options import Json


def delete(
    uri: Uri,
    ids: Annotated[list[str] | None, typer.Option("--id", help="This entry; may be repeated.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="Taken (else added) before this moment.")] = None,
    camera: Cameras = None,
    person: Persons = None,
    start: Start = None,
    end: End = None,
    tag: Tags = None,
    keep_bytes: Annotated[
        bool,
        typer.Option("--no-compact", help="Leave the bytes on disk until 'compact' or the next delete without this."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete the entries that fulfil everything given, for good.

    Example: occreid gallery delete galleries/door --before 2026-01-01
    """
    filter = filter_of(camera, start, end, tag, person=person)
    with opened(uri) as gallery:
        count = gallery.delete(ids=ids, before=None if before is None else moment(before, "time"), filter=filter)
        if not keep_bytes and (count or gallery.unswept()):
            gallery.compact()
    typer.echo(json.dumps({"deleted": count}) if as_json else f"deleted {count:,}")


def compact(uri: Uri) -> None:
    """Merge files, drop what was deleted for good, and bring the indexes up to date.

    Example: occreid gallery compact galleries/door
    """
    with opened(uri) as gallery:
        gallery.compact()
    typer.echo("compacted")
