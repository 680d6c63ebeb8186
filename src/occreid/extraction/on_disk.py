"""Extraction that writes as it goes: an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction.devices import usable_device
from occreid.extraction.fastest import way_for
from occreid.extraction.in_memory import Extraction, extract
from occreid.files import claim_folder, replacing
from occreid.models.contract import Method
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
    engine: Engine | None = None,
    **options: Unpack[Extraction],
) -> tuple[Descriptors, int]:
    """`extract` that writes as it goes, and goes on where an interrupted run with the same key stopped.

    The folder gets ``chunks/`` while it runs; in the end ``descriptors.safetensors``, ``descriptors.parquet``
    (see `Descriptors.save`) and ``key.json``.

    Args:
        model: as `extract`.
        records: N images.
        folder: where to write; descriptors in another precision, with and without masks, or with and without mirror
            images do not share one.
        key: what the descriptors depend on, e.g. the weights' sha256; JSON-serialisable. Precision and the images
            are added, each with its size and when it was last written: one replaced under its name is another image.
        chunk: images written at once.
        engine: who describes the chunks, e.g. `occreid.extraction.ray.ray_engine`; left out, this process does, one
            after the other.
        options: of `extract`.

    Returns:
        The descriptors, and how many images were described now (the others were there already).

    Raises:
        UserError: as `extract`; the folder holds another extraction, or cannot be written.
    """
    folder = Path(folder)
    how: Extraction = {"device": "cpu", "precision": "float32", "masks": False, "progress": True, **options}
    asked = how.get("flip_test")
    how["flip_test"] = flips = model.flip_test if asked is None else asked
    if how["precision"] == "auto":
        device = usable_device(how.get("device", "cpu"))
        way = way_for(model, device, "auto", batch_size=how.get("batch_size", 64))
        how["memory_format"], how["precision"] = way
    images = hashlib.sha256()
    for r in records:
        names = f" {r.person_name} {r.camera_name}" if r.person is not None else ""  # a word is worth a new run
        mask = f" {r.mask} {_state(r.mask)}" if how["masks"] and r.mask is not None else ""
        images.update(f"{r.path} {_state(r.path)} {r.pid} {r.camid}{names}{mask}\n".encode())
    full_key = {**key, "images": images.hexdigest(), "precision": how["precision"], "chunk": chunk}
    full_key |= {"flip_test": True} if flips else {}
    if chunk < 1:
        raise UserError(f"chunks of {chunk} images are impossible.", "Give 1 or more.")
    try:
        claim_folder(folder, "key.json", full_key, "descriptors of other weights, images or settings")
        if (folder / "descriptors.safetensors").is_file() and not (folder / "chunks").is_dir():
            return Descriptors.load(folder), 0
        starts = range(0, len(records), chunk)
        chunks = {folder / "chunks" / f"{start:09d}": records[start : start + chunk] for start in starts}
        missing = {place: part for place, part in chunks.items() if not place.is_dir()}
        targets = [*missing]
        if len(chunks) > 1 and how["progress"]:
            print(f"{len(missing)} chunks to describe ({len(chunks) - len(missing)} were there)", file=sys.stderr)
        for number, described in (engine or _one_by_one)(model, [*missing.values()], how):
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
