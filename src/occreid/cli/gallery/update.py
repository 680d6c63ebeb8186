"""`occreid gallery update`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from occreid.cli.gallery.options import Uri, filter_of, moment, opened
from occreid.cli.gallery.sources import OfBenchmark, Part, Pictures, part_of_benchmark
from occreid.cli.options import Json, Option
from occreid.errors import UserError

Words = list[str] | None


def update(
    uri: Uri,
    ids: Annotated[Words, typer.Option("--id", help="This entry; may be repeated.")] = None,
    pictures: Pictures = None,
    on: OfBenchmark = None,
    part: Part = "gallery",
    option: Option = None,
    where_camera: Annotated[Words, typer.Option("--where-camera", help="Entries of this camera.")] = None,
    where_tag: Annotated[Words, typer.Option("--where-tag", help="Entries with this tag.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="The person's name from now on; '': unknown.")] = None,
    camera: Annotated[str | None, typer.Option("--camera", help="The camera's name from now on; '': unknown.")] = None,
    taken: Annotated[
        str | None, typer.Option("--time", help="When they were taken, or time 0 of --on; '': unknown.")
    ] = None,
    add_tag: Annotated[Words, typer.Option("--add-tag", help="A tag more; may be repeated.")] = None,
    remove_tag: Annotated[Words, typer.Option("--remove-tag", help="A tag less; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Change person, camera, time or tags of entries that are there; pictures and descriptors stay.

    Example: occreid gallery update galleries/door --where-camera 3 --camera "north gate"

    Names that came later: occreid gallery update galleries/door --on folder=persons.csv
    """
    from occreid.data.benchmarks import folder_records
    from occreid.gallery import Change, changes_of

    filtered = bool(where_camera or where_tag)
    if [ids is not None, pictures is not None, on is not None, filtered].count(True) != 1:
        raise UserError(
            "it is not clear which entries to change.",
            "Give one of --id, --pictures, --on, or --where-camera and --where-tag.",
        )
    time = None if taken is None else moment(taken, "time") if taken.strip() else -1.0
    tags = {"add_tags": tuple(add_tag or ()), "remove_tags": tuple(remove_tag or ())}
    start = time if on and time is not None and time >= 0 else None
    change = Change(person, camera, None if start is not None else time, **tags)
    with opened(uri) as gallery:
        if filtered:
            wanted = filter_of(where_camera, None, None, where_tag)
            count = gallery.update(change, wanted)
            notes = gallery.stats().unknown(wanted)
        else:
            if ids is not None:
                changes = dict.fromkeys(ids, change)
            elif pictures is not None:
                changes = changes_of(folder_records(pictures), change)
            else:
                changes = changes_of(part_of_benchmark(on or "", part, option), change, start=start)
            count = gallery.update(changes)
            absent = len(changes) - count
            notes = [f"{absent:,} of {len(changes):,} entries asked for are not in the gallery."] if absent else []
    for note in notes if count == 0 or not filtered else []:
        typer.echo(f"note: {note}", err=True)
    typer.echo(json.dumps({"changed": count}) if as_json else f"changed {count:,}")
