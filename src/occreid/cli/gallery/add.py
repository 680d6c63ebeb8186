"""`occreid gallery add`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.crop import DETECTOR, DetectorName, Every, Most, Scenes, Score, Smallest, Weights
from occreid.cli.extracted import part_facts
from occreid.cli.gallery.options import Uri, moment, opened
from occreid.cli.gallery.sources import OfBenchmark, Part, Pictures, part_of_benchmark
from occreid.cli.options import OWN_MODEL, BatchSize, Device, Json, Option, Precision, Workers
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.gallery import AddReport


def add(
    uri: Uri,
    model: Annotated[
        Path | None, typer.Option("--model", help="Describes --on, --pictures or --scenes; left out, occreid-lite.")
    ] = None,
    on: OfBenchmark = None,
    pictures: Pictures = None,
    scenes: Annotated[
        list[str] | None,
        typer.Option("--scenes", help="A picture, folder, video or rtsp:// whose persons are cut out; repeat it."),
    ] = None,
    detector: DetectorName = DETECTOR,
    weights: Weights = "coco",
    every: Every = 1.0,
    score: Score = 0.5,
    smallest: Smallest = 32,
    frames: Most = None,
    descriptors: Annotated[
        Path | None, typer.Option("--descriptors", help="A part written by occreid extract.")
    ] = None,
    part: Part = "gallery",
    option: Option = None,
    camera: Annotated[
        str | None, typer.Option("--camera", help="The camera of --scenes, or of --pictures whose CSV names none.")
    ] = None,
    taken: Annotated[
        str | None,
        typer.Option(
            "--time", help="When --pictures whose CSV names no time were taken, or --scenes or time 0 of --on began."
        ),
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

    Of a video: occreid gallery add galleries/door --model runs/market --scenes door.mp4 --time 2026-03-01T08:00
    """
    from occreid.data.benchmarks import folder_records
    from occreid.descriptors import Descriptors
    from occreid.extraction import usable_device
    from occreid.models import load_model, read_card
    from occreid.scenes.crops import nobody
    from occreid.scenes.enrolling import enrol_crops

    if [on, pictures, scenes, descriptors].count(None) != 3 or (descriptors is not None and model is not None):
        raise UserError(
            "it is not clear what to add.", "Give --on, --pictures or --scenes; or --descriptors, without --model."
        )
    chosen = model or OWN_MODEL
    hash_ = part_facts(descriptors)["weights_sha256"] if descriptors else read_card(chosen)["sha256"]
    what: dict[str, Any] = {
        "tags": tuple(tags or ()),
        "keep_pictures": keep,
        "batch": batch,
        "on_batch": _show(as_json),
    }
    with opened(uri, hash_) as gallery:
        if descriptors is not None:
            total = gallery.enrol_descriptors(Descriptors.load(descriptors), **what)
        elif scenes is not None:
            where = Scenes(scenes, detector, weights, every, taken, score, smallest, frames, device)
            network = load_model(chosen).to(usable_device(device))
            show = what.pop("on_batch")
            total = enrol_crops(
                gallery, where.crops(), network, camera=camera or "", on_batch=lambda r: show(r, None), **what
            )
            if not total.done:
                raise nobody()
        else:
            total = gallery.enrol(
                part_of_benchmark(on, part, option) if on else folder_records(pictures or Path(), camera=camera),
                load_model(chosen),
                start=None if taken is None else moment(taken, "time"),
                device=device,
                precision=precision,
                batch_size=batch_size,
                workers=workers,
                progress=not as_json,
                **what,
            )
    typer.echo(json.dumps(asdict(total)) if as_json else f"added {total.added:,}, known already {total.known:,}")


def _show(quiet: bool) -> Callable[[AddReport, int | None], None]:
    """A line on stderr for every tenth batch."""
    batches = itertools.count(1)

    def show(report: AddReport, total: int | None) -> None:
        if not quiet and next(batches) % 10 == 0:
            typer.echo(f"{report.done:,}{'' if total is None else f' of {total:,}'} done", err=True)

    return show
