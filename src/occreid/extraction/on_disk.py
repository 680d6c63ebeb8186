"""Extraction that writes as it goes: an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction.devices import usable_device
from occreid.extraction.fastest import way_for
from occreid.extraction.in_memory import AskedPrecision, extract
from occreid.files import claim_folder, replacing
from occreid.models.contract import Method
from occreid.nn.computing import MemoryFormat
from occreid.records import Record

Engine = Callable[[Method, Sequence[Sequence[Record]], Mapping[str, Any]], Iterator[tuple[int, Descriptors]]]
"""(model, pieces of records, options of `extract`) → number of a piece and its descriptors, in any order."""


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
    precision: AskedPrecision = "float32",
    memory_format: MemoryFormat | None = None,
    masks: bool = False,
    flip_test: bool | None = None,
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
        key: what the descriptors depend on, e.g. the weights' sha256; JSON-serialisable. Precision and the images
            are added, each with its size and when it was last written: one replaced under its name is another image.
        chunk: images written at once.
        batch_size: images at once.
        workers: loading processes.
        device: where the model runs.
        precision: see `extract`; a folder begun in another is refused.
        memory_format: see `extract`.
        masks: as `extract`; descriptors with masks and without, or with other masks, do not share a folder.
        flip_test: as `extract`; with it and without descriptors do not share a folder.
        progress: show a bar.
        engine: who describes the chunks, e.g. `occreid.extraction.ray.ray_engine`; left out, this process does, one
            after the other.

    Returns:
        The descriptors, and how many images were described now (the others were there already).

    Raises:
        UserError: as `extract`; the folder holds another extraction, or cannot be written.
    """
    folder = Path(folder)
    flips = model.flip_test if flip_test is None else flip_test
    if precision == "auto":
        memory_format, precision = way_for(model, usable_device(device), "auto", batch_size=batch_size)
    images = hashlib.sha256()
    for r in records:
        mask = f" {r.mask} {_state(r.mask)}" if masks and r.mask is not None else ""
        images.update(f"{r.path} {_state(r.path)} {r.pid} {r.camid}{mask}\n".encode())
    full_key = {**key, "images": images.hexdigest(), "precision": precision, "chunk": chunk}
    full_key |= {"flip_test": True} if flips else {}
    if chunk < 1:
        raise UserError(f"chunks of {chunk} images are impossible.", "Give 1 or more.")
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "workers": workers,
        "device": device,
        "precision": precision,
        "memory_format": memory_format,
        "masks": masks,
        "flip_test": flips,
        "progress": progress,
    }
    try:
        claim_folder(folder, "key.json", full_key, "descriptors of other weights, images or settings")
        if (folder / "descriptors.safetensors").is_file() and not (folder / "chunks").is_dir():
            return Descriptors.load(folder), 0
        starts = range(0, len(records), chunk)
        chunks = {folder / "chunks" / f"{start:09d}": records[start : start + chunk] for start in starts}
        missing = {place: part for place, part in chunks.items() if not place.is_dir()}
        targets = [*missing]
        if len(chunks) > 1 and progress:
            print(f"{len(missing)} chunks to describe ({len(chunks) - len(missing)} were there)", file=sys.stderr)
        for number, described in (engine or _one_by_one)(model, [*missing.values()], options):
            with replacing(targets[number]) as part:  # a chunk is there whole or not at all
                described.save(part)
        (joined := Descriptors.cat([Descriptors.load(place) for place in chunks])).save(folder)
        shutil.rmtree(folder / "chunks", ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write {folder} ({error}).", "Choose a folder you can write to.") from error
    return joined, sum(len(part) for part in missing.values())


def _state(file: Path) -> str:
    """Size and time of the last change; empty where there is no file, which whoever reads it will say."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _one_by_one(
    model: Method, pieces: Sequence[Sequence[Record]], options: Mapping[str, Any]
) -> Iterator[tuple[int, Descriptors]]:
    for number, piece in enumerate(pieces):
        if len(pieces) > 1 and options["progress"]:
            print(f"chunk {number + 1} of {len(pieces)}", file=sys.stderr)
        yield number, extract(model, piece, **options)
