"""`occreid search`: find a person in a gallery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.gallery.options import Cameras, End, Model, Start, Tags, Uri, filter_of, opened
from occreid.cli.options import OWN_MODEL, Device, Json
from occreid.cli.starting import uncollected

if TYPE_CHECKING:
    from occreid.gallery.hits import Hits


@uncollected()
def search(
    uri: Uri,
    pictures: Annotated[list[Path], typer.Argument(help="Crops of the person to find, one search each.")],
    model: Model = OWN_MODEL,
    k: Annotated[int, typer.Option("--top", "-k", min=1, help="How many to show.")] = 10,
    camera: Cameras = None,
    exclude_camid: Annotated[str | None, typer.Option("--exclude-camera", help="Not this camera.")] = None,
    start: Start = None,
    end: End = None,
    tag: Tags = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Compare only with what the index proposes.")
    ] = False,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="A PNG of each picture and its answers; for several, a folder.")
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Show the nearest entries of a gallery to pictures of persons.

    Example: occreid search galleries/door person.jpg --model runs/market --start 2026-03-01T08:00 --camera door
    """
    from occreid.extraction import usable_device
    from occreid.gallery.hits import write_sheets
    from occreid.models import load_model, read_card

    wanted = filter_of(camera, start, end, tag, exclude_camid)
    with opened(uri, read_card(model)["sha256"]) as gallery:
        network = load_model(model).to(usable_device(device))
        answers = gallery.search(pictures, k, wanted, exact=not approximate, model=network)
        if not any(answers):
            for sentence in gallery.stats().unknown(wanted):
                typer.echo(f"note: {sentence}", err=True)
        _print(pictures, answers, as_json)  # first: a sheet that cannot be drawn takes no answer away
        if sheet is not None:
            write_sheets(answers, sheet)


def _print(pictures: Sequence[Path], answers: Sequence[Hits], as_json: bool) -> None:
    if as_json:
        rows = [
            {"picture": str(picture), "hits": [asdict(hit) for hit in hits]}
            for picture, hits in zip(pictures, answers, strict=True)
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for picture, hits in zip(pictures, answers, strict=True):
        typer.echo(f"{picture}: {len(hits)} found")
        for rank, hit in enumerate(hits, 1):
            about = [
                f"person {hit.pid}" if hit.pid is not None else "",
                f"camera {hit.camid}" if hit.camid is not None else "",
            ]
            typer.echo(
                f"{rank:4d}  {hit.distance:.4f}  {'  '.join(word for word in (*about, hit.path or hit.id) if word)}"
            )
