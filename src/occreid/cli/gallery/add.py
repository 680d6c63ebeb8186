"""`occreid gallery add`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.extracted import part_facts
from occreid.cli.gallery.options import Uri, moment, opened
from occreid.cli.options import BatchSize, Device, Json, Option, Precision, Workers
from occreid.cli.splits import load_benchmarks
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.gallery import AddReport
    from occreid.records import Record


def add(
    uri: Uri,
    model: Annotated[Path | None, typer.Option("--model", help="Describes the pictures of --on or --pictures.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="NAME=ROOT", help="A benchmark's gallery images.")] = None,
    pictures: Annotated[Path | None, typer.Option("--pictures", help="A folder of crops, subfolders too.")] = None,
    descriptors: Annotated[
        Path | None, typer.Option("--descriptors", help="A part written by occreid extract.")
    ] = None,
    part: Annotated[str, typer.Option("--part", help="Of --on: gallery, query or train.")] = "gallery",
    option: Option = None,
    camera: Annotated[int | None, typer.Option("--camera", help="The camera of all --pictures.")] = None,
    taken: Annotated[
        str | None, typer.Option("--time", help="When --pictures were taken, or time 0 of --on was.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag of all that is added; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep-pictures", help="Keep the encoded pictures in the gallery.")] = False,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Entries of one commit.")] = 1024,
    device: Device = "auto",
    precision: Precision = "float32",
    batch_size: BatchSize = 64,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Describe pictures, or take descriptors, and add them; pictures that are there already are left out.

    Interrupted, it goes on where it stopped: every batch is committed whole.

    Example: occreid gallery add galleries/door --model runs/market --pictures crops --camera 3 --keep-pictures
    """
    from occreid.data.benchmarks import folder_records
    from occreid.descriptors import Descriptors
    from occreid.models import load_model, read_card

    if [on, pictures, descriptors].count(None) != 2 or (descriptors is None) != (model is not None):
        raise UserError("it is not clear what to add.", "Give --model with --on or --pictures; or --descriptors alone.")
    hash_ = part_facts(descriptors)["weights_sha256"] if descriptors else read_card(model or Path())["sha256"]
    what: dict[str, Any] = {
        "tags": tuple(tags or ()),
        "keep_pictures": keep,
        "batch": batch,
        "on_batch": _show(as_json),
    }
    with opened(uri, hash_) as gallery:
        if descriptors is not None:
            total = gallery.enrol_descriptors(Descriptors.load(descriptors), **what)
        else:
            total = gallery.enrol(
                _of_benchmark(on, part, option) if on else folder_records(pictures or Path(), camid=camera),
                load_model(model or Path()),
                start=None if taken is None else moment(taken, "time"),
                device=device,
                precision=precision,
                batch_size=batch_size,
                workers=workers,
                progress=not as_json,
                **what,
            )
    typer.echo(json.dumps(asdict(total)) if as_json else f"added {total.added:,}, known already {total.known:,}")


def _show(quiet: bool) -> Callable[[AddReport, int], None]:
    """A line on stderr for every tenth batch."""
    batches = itertools.count(1)

    def show(report: AddReport, total: int) -> None:
        if not quiet and next(batches) % 10 == 0:
            typer.echo(f"{report.done:,} of {total:,} done", err=True)

    return show


def _of_benchmark(on: str, part: str, option: list[str] | None) -> Sequence[Record]:
    if part not in ("gallery", "query", "train"):
        raise UserError(f"a benchmark has no part '{part}'.", "Give gallery, query or train.")
    return getattr(load_benchmarks(Path(), [on], option)[0], part)
