"""A CSV of pictures of persons: who, by which camera, when, with which tags, and in which part of a benchmark.

One reader for all of them: the benchmark ``folder``, `occreid data split`, a gallery's pictures, and what
`occreid crop` wrote, with or without names that somebody added.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from occreid.errors import UserError, did_you_mean
from occreid.files import read_csv
from occreid.names import checked_tags
from occreid.records import SPLIT_PARTS
from occreid.timestamps import parse_timestamp

COLUMNS = ("path", "pid", "camid", "split", "occluded", "timestamp", "tags")
OF_CROPS = ("camera", "source", "frame", "seconds", "x", "y", "width", "height", "score", "track")
"""What `occreid crop` writes besides; ``camera`` is read as camid, the others say nothing of a person."""
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": None}


@dataclass(frozen=True, slots=True)
class Row:
    """One picture as a table or a file name describes it.

    Attributes:
        path: the picture.
        part: train, query or gallery; empty where nobody has drawn one.
        pid: the person's id, a number or a word; empty where it is not known.
        camera: the camera's, likewise, where it is known.
        occluded: whether the person is partly hidden, where it is known.
        timestamp: Unix seconds, where it is known.
        tags: sorted, each once.
    """

    path: Path
    part: str
    pid: str
    camera: str | None = None
    occluded: bool | None = None
    timestamp: float | None = None
    tags: tuple[str, ...] = ()


def read_table(path: Path, needed: Sequence[str] = ("path", "pid", "split")) -> list[Row]:
    """The rows of a CSV; paths of pictures are relative to the CSV's folder.

    Args:
        path: the file; its columns are some of `COLUMNS`, and perhaps some of `OF_CROPS`. ``timestamp`` is a moment as
            `occreid.timestamps.parse_timestamp` reads it, ``tags`` are separated by ``;``.
        needed: columns that must be there, and whose cells must be filled.

    Raises:
        UserError: no such file, missing or unknown columns, a cell that makes no sense, or pictures that do not
            exist, each with its line.
    """
    columns, lines = read_csv(path, what="the table", hint="Give a CSV file in UTF-8, or a folder.")
    _check_columns(path, columns, needed)
    rows = [_row(path, number, cells, needed) for number, cells in lines]
    if not rows:
        raise UserError(f"the table {path} has no rows.", f"One picture per line: {_head(needed)}")
    missing = [row.path for row in rows if not os.path.isfile(row.path)]  # False for names too long to exist, too
    if missing:
        listed = ", ".join(map(str, missing[:5]))
        raise UserError(
            f"{len(missing)} images named in {path} do not exist: {listed}.",
            f"Paths are relative to {path.parent}.",
        )
    _check_repeats(path, rows)
    return rows


def _head(needed: Sequence[str]) -> str:
    """A first line that would do."""
    return ",".join(name for name in COLUMNS if name in needed or name not in ("split", "occluded"))


def _check_columns(path: Path, columns: list[str], needed: Sequence[str]) -> None:
    for name in columns:
        if name not in (*COLUMNS, *OF_CROPS):
            raise UserError(f"the table {path} has an unknown column '{name}'.", did_you_mean(name, COLUMNS))
    if "camid" in columns and "camera" in columns:
        raise UserError(f"the table {path} has both a column camid and a column camera.", "Keep one of the two.")
    absent = [name for name in needed if name not in columns]
    if absent:
        raise UserError(
            f"the table {path} has no column {', '.join(absent)}.", f"The first line is e.g. {_head(needed)}"
        )


def _row(path: Path, line: int, cells: dict[str, str], needed: Sequence[str]) -> Row:
    if None in cells or None in cells.values():
        raise UserError(f"{path} line {line} has more or fewer cells than columns.", "Quote cells that hold a comma.")
    cell = {name: value.strip() for name, value in cells.items()}
    for name in needed:
        if not cell[name]:
            raise UserError(f"{path} line {line} has no {name}.", "Fill the cell.")
    part, moment = cell.get("split", ""), cell.get("timestamp", "")
    if part and part not in SPLIT_PARTS:
        raise UserError(f"{path} line {line} has the split '{part}'.", did_you_mean(part, SPLIT_PARTS))
    occluded = cell.get("occluded", "").lower()
    if occluded not in _BOOLEANS:
        raise UserError(f"{path} line {line} has occluded '{occluded}'.", "Write true, false or nothing.")
    return Row(
        path.parent / cell["path"],
        part,
        cell.get("pid", ""),
        cell.get("camid") or cell.get("camera") or None,
        _BOOLEANS[occluded],
        parse_timestamp(moment, f"timestamp in {path} line {line}") if moment else None,
        _tags(cell.get("tags", ""), f"{path} line {line}"),
    )


def _tags(text: str, where: str) -> tuple[str, ...]:
    try:
        return checked_tags([tag.strip() for tag in text.split(";") if tag.strip()])
    except UserError as error:
        raise UserError(f"{where}: {error.problem}", f"{error.hint} Several are separated by ;") from error


def _check_repeats(path: Path, rows: list[Row]) -> None:
    seen: set[tuple[str, Path]] = set()
    for row in rows:
        if (row.part, row.path) in seen:
            raise UserError(
                f"{path} names {row.path} twice{f' in {row.part}' if row.part else ''}.",
                "Name an image once per split.",
            )
        seen.add((row.part, row.path))
