"""A contact sheet of some persons of a benchmark, one row each."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from occreid.data.images import read_image
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.errors import UserError
from occreid.records import Record, Split

CELL = (128, 64)
"""Height and width of a picture on the sheet, in pixels."""
COLOURS = {"train": (110, 110, 110), "query": (30, 100, 220), "gallery": (20, 140, 60)}


def contact_sheet(split: Split, path: Path, *, rows: int = 8, columns: int = 8, seed: int = 0) -> int:
    """Write a PNG of some ids, one row each: query images framed blue, gallery green, training grey.

    Under each picture: the names of person and camera, and "occ" where the benchmark says that it is occluded. The
    training part is shown only where there is no test part.

    Args:
        split: what a loader read.
        path: the PNG to write; its folder is made.
        rows: ids to show; fewer if there are fewer.
        columns: most pictures of an id.
        seed: chooses the ids and, of those with more pictures than columns, the pictures.

    Returns:
        The number of ids shown.

    Raises:
        UserError: nothing to show, a damaged image, or the file cannot be written.
    """
    chosen = choose(split, rows, columns, seed)
    if not chosen:
        raise UserError(f"{split.name} holds no image to show.", "Give a part with images.")
    parts = {part for person in chosen for part, _ in person}
    legend = {part: colour for part, colour in COLOURS.items() if part in parts}
    tiles = [[_tile(*shown) for shown in person] for person in chosen]
    write_sheet(path, draw_sheet(tiles, cell=CELL, legend=legend))
    return len(chosen)


def choose(split: Split, rows: int, columns: int, seed: int) -> list[list[tuple[str, Record]]]:
    """The pictures of the sheet: per id (part, record), queries first, then by path."""
    parts = {"query": split.query, "gallery": split.gallery} if split.query else {"train": split.train}
    people: dict[int, list[tuple[str, Record]]] = defaultdict(list)
    for part, records in parts.items():
        for record in records:
            people[record.pid].append((part, record))
    # Ids with a query first of all: a row of gallery images alone shows no match.
    wanted = sorted(pid for pid, row in people.items() if row[0][0] != "gallery") or sorted(people)
    generator = random.Random(seed)
    ids = sorted(generator.sample(wanted, min(rows, len(wanted))))
    return [_row(people[pid], columns, generator) for pid in ids]


def _row(pictures: list[tuple[str, Record]], columns: int, generator: random.Random) -> list[tuple[str, Record]]:
    """At most ``columns`` pictures, of each part at least one."""
    first = {part: index for index, (part, _) in reversed(list(enumerate(pictures)))}
    kept = set(list(first.values())[::-1][:columns])
    others = [index for index in range(len(pictures)) if index not in kept]
    kept |= set(generator.sample(others, min(columns - len(kept), len(others))))
    return [pictures[index] for index in sorted(kept)]


def _tile(part: str, record: Record) -> Tile:
    camera = f" {record.camera_name}" if record.camera_name else ""
    caption = f"{record.person_name}{camera}" + (" occ" if record.occluded else "")
    return Tile(read_image(record.path), caption, COLOURS[part])
