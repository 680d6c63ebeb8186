"""Arguments that the commands on galleries share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.timestamps import parse_timestamp as moment

if TYPE_CHECKING:
    from occreid.gallery import Filter, Gallery

Uri = Annotated[str, typer.Argument(help="A folder, a file NAME.db (Milvus in this process) or http://host:19530/name")]
Model = Annotated[Path, typer.Option("--model", help="What describes pictures: a model's name, a run folder or file.")]
Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only this camera, by name; may be repeated.")]
Persons = Annotated[list[str] | None, typer.Option("--person", help="Only this person, by name; may be repeated.")]
Start = Annotated[str | None, typer.Option("--start", help="Taken at or after: 2026-03-01T08:00, or Unix seconds.")]
End = Annotated[str | None, typer.Option("--end", help="Taken before this.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Carrying this tag; may be repeated.")]


def opened(uri: str, weights_hash: str | None = None) -> Gallery:
    """The gallery, to be closed by ``with``."""
    from occreid.gallery import Gallery

    return Gallery.open(uri, weights_hash=weights_hash)


def filter_of(
    camera: Sequence[str] | None,
    start: str | None,
    end: str | None,
    tag: Sequence[str] | None,
    exclude_camera: str | None = None,
    person: Sequence[str] | None = None,
) -> Filter:
    """The filter that options name."""
    from occreid.gallery import Filter

    return Filter(
        camids=tuple(camera) if camera else None,
        start=None if start is None else moment(start, "start"),
        end=None if end is None else moment(end, "end"),
        tags=tuple(tag or ()),
        exclude_camid=exclude_camera,
        pids=tuple(person) if person else None,
    )
