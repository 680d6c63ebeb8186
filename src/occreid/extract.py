"""Model + records → `Descriptors`."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from occreid.data.claims import claim_folder
from occreid.data.dataset import Alter
from occreid.data.loaders import eval_loader
from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean
from occreid.methods.base import Method
from occreid.records import Record

Precision = Literal["float32", "bfloat16", "float16"]
"""What the network computes in; descriptors are float32 in any case."""

Engine = Callable[[Method, Sequence[Sequence[Record]], Mapping[str, Any]], Iterator[tuple[int, Descriptors]]]
"""(model, pieces of records, options of `extract`) → number of a piece and its descriptors, in any order."""


@torch.no_grad()
def extract(
    model: Method,
    records: Sequence[Record],
    *,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    masks: bool = False,
    alter: Alter | None = None,
    progress: bool = True,
) -> Descriptors:
    """Describe the images of records, in their order.

    Args:
        model: is moved to ``device``, used in eval mode, and given back in the mode it came in.
        records: N images.
        batch_size: images at once.
        workers: processes that load images; 0 loads in this one.
        device: where the model runs.
        precision: see `Precision`.
        masks: hand the records' part masks to the method. Off by default: exact masks, as occsynth has them, tell
            a method at test time what no one could know in use.
        alter: changes each picture as it is read, e.g. a `occreid.data.stress.Stressor`.
        progress: show a bar on stderr.

    Returns:
        N descriptors on the CPU with pids, camids and paths.

    Raises:
        UserError: no records, an unreadable image (naming it), an unknown precision or a device that is not there.
    """
    if precision not in get_args(Precision):
        raise UserError(f"there is no precision '{precision}'.", did_you_mean(precision, get_args(Precision)))
    device = usable_device(device)
    height, width = model.input_size
    loader = eval_loader(
        records, height=height, width=width, batch_size=batch_size, workers=workers, masks=masks, alter=alter
    )
    pieces = []
    model.to(device)
    with eval_mode(model), progress_bar("describing", len(records), progress) as advance:
        for batch in loader:
            moved = batch.to(device, non_blocking=True)
            with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                described = model.describe(moved.images, moved.masks)
            pieces.append(described.to("cpu"))
            advance(len(batch))
    joined = Descriptors.cat(pieces)
    return Descriptors(
        joined.features,
        joined.visibility,
        torch.tensor([r.pid for r in records], dtype=torch.int64),
        torch.tensor([r.camid for r in records], dtype=torch.int64),
        [str(r.path) for r in records],
    )


def usable_device(name: torch.device | str) -> torch.device:
    """The device of this name; ``"auto"`` is the GPU where there is one.

    Raises:
        UserError: an unknown name, or hardware this machine does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"there is no device '{name}'.", "Give cpu, cuda, cuda:1, mps or auto.") from error
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(device.type, True) or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise UserError(f"this machine has no device '{name}'.", "Use --device cpu, or auto.")
    return device


@contextmanager
def eval_mode(model: Method) -> Iterator[None]:
    """Eval mode inside; outside, every module is again as it was (a frozen part may be in eval while others train)."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


@contextmanager
def progress_bar(what: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, and what advances it by so many images; hidden where nobody looks."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("", total=total)
        yield lambda images: bar.advance(task, images)


def extract_to_disk(
    model: Method,
    records: Sequence[Record],
    folder: str | Path,
    *,
    key: Mapping[str, Any],
    chunk: int = 4096,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    masks: bool = False,
    progress: bool = True,
    engine: Engine | None = None,
) -> tuple[Descriptors, int]:
    """`extract` that writes as it goes, and goes on where an interrupted run with the same key stopped.

    The folder gets ``chunks/`` while it runs; in the end ``descriptors.safetensors``, ``descriptors.parquet``
    (see `Descriptors.save`) and ``key.json``.

    Args:
        model: as `extract`, like all that is not explained here.
        records: N images.
        folder: where to write.
        key: what the descriptors depend on, e.g. the weights' sha256; JSON-serialisable. Images and precision
            are added.
        chunk: images written at once.
        batch_size: images at once.
        workers: loading processes.
        device: where the model runs.
        precision: see `Precision`.
        masks: as `extract`; descriptors with masks and without, or with other masks, do not share a folder.
        progress: show a bar.
        engine: who describes the chunks, e.g. `occreid.extract_ray.ray_engine`; left out, this process does, one
            after the other.

    Returns:
        The descriptors, and how many images were described now (the others were there already).

    Raises:
        UserError: as `extract`; the folder holds another extraction, or cannot be written.
    """
    folder = Path(folder)
    names = "\n".join(f"{r.path} {r.pid} {r.camid}" + (f" {r.mask}" if masks else "") for r in records)
    full_key = {**key, "images": hashlib.sha256(names.encode()).hexdigest(), "precision": precision, "chunk": chunk}
    if chunk < 1:
        raise UserError(f"chunks of {chunk} images are impossible.", "Give 1 or more.")
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "workers": workers,
        "device": device,
        "precision": precision,
        "masks": masks,
        "progress": progress,
    }
    try:
        claim_folder(folder, "key.json", full_key, "descriptors of other weights, images or settings")
        if (folder / "descriptors.safetensors").is_file() and not (folder / "chunks").is_dir():
            return Descriptors.load(folder), 0
        starts = range(0, len(records), chunk)
        chunks = {folder / "chunks" / f"{start:09d}": records[start : start + chunk] for start in starts}
        missing = {place: part for place, part in chunks.items() if not place.is_dir()}
        places = [*missing]
        if len(chunks) > 1 and progress:
            print(f"{len(missing)} chunks to describe ({len(chunks) - len(missing)} were there)", file=sys.stderr)
        for number, described in (engine or _one_by_one)(model, [*missing.values()], options):
            part = places[number].with_suffix(".part")
            described.save(part)
            os.replace(part, places[number])  # a chunk is there whole or not at all
        (joined := Descriptors.cat([Descriptors.load(place) for place in chunks])).save(folder)
        shutil.rmtree(folder / "chunks", ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write {folder} ({error}).", "Choose a folder you can write to.") from error
    return joined, sum(len(part) for part in missing.values())


def _one_by_one(
    model: Method, pieces: Sequence[Sequence[Record]], options: Mapping[str, Any]
) -> Iterator[tuple[int, Descriptors]]:
    for number, piece in enumerate(pieces):
        if len(pieces) > 1 and options["progress"]:
            print(f"chunk {number + 1} of {len(pieces)}", file=sys.stderr)
        yield number, extract(model, piece, **options)
