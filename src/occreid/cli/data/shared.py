"""What the commands of `occreid data` have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.console import print_table
from occreid.cli.groups import Benchmark
from occreid.records import SPLIT_PARTS

if TYPE_CHECKING:
    from occreid.records import Split

SHOWN = 20
"""Lines of a list that are printed at most."""

Sheet = Annotated[Path | None, typer.Option("--sheet", metavar="PNG", help="Write a contact sheet of some persons.")]

Detector = Annotated[
    str | None, typer.Option("--detector", help="Weights of torchvision's Keypoint R-CNN, or 'coco' to download them.")
]


@dataclass(frozen=True, slots=True)
class Inspected(Benchmark):
    """A benchmark that is looked through."""

    sheet: Sheet = None
    workers: Annotated[int, typer.Option("--workers", min=1, help="Threads that read images.")] = 2


def print_counts(split: Split, but: tuple[str, ...] = ()) -> None:
    """Images, ids and cameras of each part, and the split's notes but those named."""
    counts = split.counts()
    rows = [[part, *(f"{counts[part][key]:,}" for key in ("images", "ids", "cameras"))] for part in SPLIT_PARTS]
    typer.echo(f"{split.name}, same camera: {split.same_camera}")
    print_table(["part", "images", "ids", "cameras"], rows)
    for key, note in sorted(split.notes.items()):
        if key not in but:
            typer.echo(f"note: {key}: {note}")


def write_sheet(split: Split, path: Path) -> None:
    """Write the contact sheet, and say so on stderr."""
    from occreid.data.inspect.persons import contact_sheet

    shown = contact_sheet(split, path)
    typer.echo(f"wrote {shown} persons to {path}", err=True)
