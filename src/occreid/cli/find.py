"""`occreid find`: one person looked for in pictures and videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.crop import Scenes
from occreid.cli.groups import grouped
from occreid.cli.options import Json


@grouped
def find(
    *,
    person: Annotated[Path, typer.Argument(help="A crop of the person to look for.")],
    scenes: Scenes,
    model: Annotated[
        Path | None, typer.Option("--model", help="What occreid.load_model takes; left out, the package's own.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="A PNG of the answers and their whole frames.")] = None,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many answers.")] = 20,
    as_json: Json = False,
) -> None:
    """Look for a person in scenes and videos: nearest first, with the moment and the whole frame of each answer.

    An answer is a resemblance to be looked at, never proof of who somebody is.

    For example:

        occreid find person.jpg door.mp4 --start 2026-03-01T08:00 --sheet found.png --model runs/market
    """
    from occreid.data.images import read_image
    from occreid.extraction import usable_device
    from occreid.models import load_model
    from occreid.models.shipped import default_model
    from occreid.scenes.finding import find_person, sheet_of

    read_image(person)  # before a long search
    network = load_model(model or default_model()).to(usable_device(scenes.device))
    found = find_person(network, person, scenes.crops(), top=top)
    if as_json:
        typer.echo(json.dumps([{"distance": one.distance, **one.facts} for one in found], indent=2))
    else:
        for place, one in enumerate(found, 1):
            box = ",".join(str(one.facts[key]) for key in ("x", "y", "width", "height"))
            typer.echo(f"{place:4d}  {one.distance:.4f}  {one.about}  box {box}")
    if sheet is not None:  # last: a sheet that cannot be written takes no answer away
        sheet_of(found, person, sheet)
        if not as_json:
            typer.echo(f"{sheet}: the answers with their whole frames")
