"""`occreid gallery list`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from occreid.cli.gallery.options import Cameras, End, Persons, Start, Tags, Uri, filter_of, opened
from occreid.cli.options import Json
from occreid.timestamps import show_timestamp


def list_(
    uri: Uri,
    camera: Cameras = None,
    person: Persons = None,
    start: Start = None,
    end: End = None,
    tag: Tags = None,
    after: Annotated[str, typer.Option("--after", help="Only ids after this one: where the page before ended.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Entries of a page.")] = 100,
    as_json: Json = False,
) -> None:
    """List entries in the order of their ids, page after page.

    Example: occreid gallery list galleries/door --camera 3 --limit 20
    """
    with opened(uri) as gallery:
        page = gallery.page(after, limit, filter_of(camera, start, end, tag, person=person))
    names = ("id", "pid", "camid", "timestamp", "tags", "path")
    if as_json:
        rows = [{name: getattr(entry, name) for name in names} for entry in page.entries]
        typer.echo(json.dumps({"entries": rows, "next": page.next}, indent=1))
        return
    for entry in page.entries:
        taken = "time unknown" if entry.timestamp is None else show_timestamp(entry.timestamp)
        facts = [f"person {entry.pid or 'unknown'}", f"camera {entry.camid or 'unknown'}", taken, *entry.tags]
        typer.echo(f"{entry.id}  {'  '.join(facts)}")
    if page.next is not None:
        typer.echo(f"more: --after {page.next}", err=True)
