"""Reading a CSV of images: path, pid, split and perhaps camid and occluded."""

from __future__ import annotations

import os
from pathlib import Path

from occreid.data.benchmarks._labels import Row
from occreid.errors import UserError, did_you_mean
from occreid.files import read_csv
from occreid.records import SPLIT_PARTS

_NEEDED = ("path", "pid", "split")
_KNOWN = (*_NEEDED, "camid", "occluded")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": None}


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV; image paths are relative to the CSV's folder.

    Raises:
        UserError: no such file, missing or unknown columns, a cell that makes no sense, or images that do not
            exist, each with its line.
    """
    columns, lines = read_csv(path, what="the table", hint="Give a CSV file in UTF-8, or a folder.")
    _check_columns(path, columns)
    rows = [_row(path, number, cells) for number, cells in lines]
    if not rows:
        raise UserError(f"the table {path} has no rows.", f"One image per line: {','.join(_KNOWN)}")
    missing = [row.path for row in rows if not os.path.isfile(row.path)]  # False for names too long to exist, too
    if missing:
        listed = ", ".join(map(str, missing[:5]))
        raise UserError(
            f"{len(missing)} images named in {path} do not exist: {listed}.",
            f"Paths are relative to {path.parent}.",
        )
    _check_repeats(path, rows)
    return rows


def _check_columns(path: Path, columns: list[str]) -> None:
    for name in columns:
        if name not in _KNOWN:
            raise UserError(f"the table {path} has an unknown column '{name}'.", did_you_mean(name, _KNOWN))
    absent = [name for name in _NEEDED if name not in columns]
    if absent:
        raise UserError(f"the table {path} has no column {', '.join(absent)}.", f"The first line is {','.join(_KNOWN)}")


def _row(path: Path, line: int, cells: dict[str, str]) -> Row:
    if None in cells or None in cells.values():
        raise UserError(f"{path} line {line} has more or fewer cells than columns.", "Quote cells that hold a comma.")
    cell = {name: value.strip() for name, value in cells.items()}
    if not cell["pid"] or not cell["path"]:
        raise UserError(f"{path} line {line} has no path or no pid.", "Fill both.")
    if cell["split"] not in SPLIT_PARTS:
        raise UserError(
            f"{path} line {line} has the split '{cell['split']}'.", did_you_mean(cell["split"], SPLIT_PARTS)
        )
    occluded = cell.get("occluded", "").lower()
    if occluded not in _BOOLEANS:
        raise UserError(f"{path} line {line} has occluded '{occluded}'.", "Write true, false or nothing.")
    return Row(path.parent / cell["path"], cell["split"], cell["pid"], cell.get("camid") or None, _BOOLEANS[occluded])


def _check_repeats(path: Path, rows: list[Row]) -> None:
    seen: set[tuple[str, Path]] = set()
    for row in rows:
        if (row.part, row.path) in seen:
            raise UserError(f"{path} names {row.path} twice in {row.part}.", "Name an image once per split.")
        seen.add((row.part, row.path))
