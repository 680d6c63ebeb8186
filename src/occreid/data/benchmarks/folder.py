"""Your own images: a folder tree with ids in the file names, or a CSV table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.data.benchmarks._labels import numbered
from occreid.data.table import Row, read_table
from occreid.data.walk import images_under
from occreid.errors import UserError
from occreid.records import Record, Split

PATTERN = r"(?P<pid>-?\d+)_c(?P<camid>\d+).*"
FACTS = Facts(
    layout="train (optional), query, gallery / names by a pattern; or a CSV of path,pid,split and more",
    note="your own images; without cameras nothing is filtered",
)
PARTS = {
    "train": ("train", "bounding_box_train"),
    "query": ("query", "probe"),
    "gallery": ("gallery", "bounding_box_test", "test"),
}


def folder(
    root: Path,
    *,
    strict: bool = True,
    pattern: str = PATTERN,
    same_camera: Literal["junk", "keep"] | None = None,
    distractors: tuple[int | str, ...] = (),
) -> Split:
    r"""Read your own images.

    Args:
        root: a folder with ``query``, ``gallery`` and perhaps ``train``, images in them at any depth; or a
            ``.csv`` file with the columns path (relative to the file), pid, split, and optionally camid,
            occluded (true, false or empty), timestamp and tags, see `occreid.data.table.read_table`.
        strict: refuse misnamed files; False skips them and says so.
        pattern: regular expression of the whole file name without its folders, with the group ``pid`` and
            optionally ``camid``, e.g. ``(?P<pid>\w+)-(?P<camid>\w+)-\d+\.jpg``. Not used with a CSV.
        same_camera: "junk" leaves gallery images of the query's person and camera out of its ranking, "keep"
            keeps them; left out, "junk" where there are cameras, else "keep".
        distractors: gallery ids that match nobody.

    Ids and cameras may be words: they are numbered in sorted order, and the numbers are told in the split's
    notes. Whole numbers stay as they are. An id of −1 is junk and dropped.

    Raises:
        UserError: missing or empty folders, a pattern or table that makes no sense, misnamed files.
    """
    skipped: list[Path] = []
    if root.suffix.lower() == ".csv":
        rows = read_table(root)
        wanted = "CSV"
    else:
        rows = _rows(root, compiled(pattern), skipped)
        wanted = pattern
    result = numbered(rows)
    rule = same_camera or ("junk" if any(row.camera is not None for row in rows) else "keep")
    others = frozenset(result.pid(str(label)) for label in distractors)
    train, query, gallery = by_part(result.records, root)
    split = Split("folder", train, query, gallery, rule, others, result.notes)
    return finish(split, {}, skipped, wanted, strict)


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of file names.

    Raises:
        UserError: it is none, or has no group ``pid``.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(
            f"the pattern {pattern} is no regular expression: {error}.", f"For example: {PATTERN}"
        ) from error
    if "pid" not in expression.groupindex:
        raise UserError(f"the pattern {pattern} has no group 'pid'.", f"For example: {PATTERN}")
    return expression


def by_part(
    records: Sequence[tuple[str, Record]], root: Path
) -> tuple[tuple[Record, ...], tuple[Record, ...], tuple[Record, ...]]:
    """Train, query and gallery, each sorted by path.

    Raises:
        UserError: no query or no gallery while there is the other.
    """
    train, query, gallery = (
        tuple(sorted((r for part, r in records if part == wanted), key=lambda r: r.path.as_posix())) for wanted in PARTS
    )
    if not train and not query and not gallery:
        raise UserError(f"{root} holds no image of a person.", "Check the ids: -1 is junk and dropped.")
    if bool(query) != bool(gallery):
        raise UserError(
            f"{root} has a {'query' if query else 'gallery'} part but no {'gallery' if query else 'query'} part.",
            "Give both, or neither for a set to train on.",
        )
    return train, query, gallery


def _rows(root: Path, pattern: re.Pattern[str], skipped: list[Path]) -> list[Row]:
    found = find_folders(root, (), PARTS, optional=tuple(PARTS))
    rows: list[Row] = []
    for part, place in found.items():
        rows += parse_names(place, part, pattern, skipped)
    return rows


def parse_names(place: Path, part: str, pattern: re.Pattern[str], skipped: list[Path]) -> list[Row]:
    """One row per image under a folder; files whose names do not fit are added to ``skipped``.

    Raises:
        UserError: no image there, or none with a fitting name.
    """
    rows: list[Row] = []
    misnamed: list[Path] = []
    for path in images_under(place):
        match = pattern.fullmatch(path.name)
        if match is None or not match["pid"]:
            misnamed.append(path)
        else:
            rows.append(Row(path, part, match["pid"], match.groupdict().get("camid")))
    if not rows:
        raise UserError(
            f"no image in {place} has a name that fits the pattern; the first is {misnamed[0].name}.",
            f"The pattern is {pattern.pattern}",
        )
    skipped += misnamed
    return rows
