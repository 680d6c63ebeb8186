"""Own crops as a benchmark: persons drawn into training and test, queries drawn from the test persons' pictures.

Labels are never touched: an id or camera is the word it was.
"""

from __future__ import annotations

import csv
import io
import math
import os
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from occreid.data.table import read_table
from occreid.data.walk import existing_folder, images_under
from occreid.errors import UserError
from occreid.files import write_file

COLUMNS = ("path", "pid", "camid", "split")
"""Of the table that is written; ``occluded``, ``timestamp`` and ``tags`` follow where some picture has one."""
_JUNK = "-1"  # the id of what shows nobody


@dataclass(frozen=True, slots=True)
class Sighting:
    """One picture of one person.

    Attributes:
        path: the picture.
        pid: the person's id, any word.
        camid: the camera's, any word; empty where it is not known.
        part: ``"train"``, ``"query"`` or ``"gallery"``; empty before the draw.
        occluded: whether the person is partly hidden, where it is known.
        timestamp: Unix seconds, where it is known.
        tags: words to filter by.
    """

    path: Path
    pid: str
    camid: str = ""
    part: str = ""
    occluded: bool | None = None
    timestamp: float | None = None
    tags: tuple[str, ...] = ()


def read_sightings(root: str | Path, pattern: str | None = None) -> list[Sighting]:
    r"""Pictures with the persons they show.

    Args:
        root: a folder with one folder for each person, pictures at any depth in it; with a pattern, any folder; or a
            ``.csv`` with the columns path (relative to the file), pid and perhaps camid, timestamp and tags.
        pattern: regular expression of a picture's path below ``root``, with ``/`` between folders, with the group
            ``pid`` and optionally ``camid``, e.g. ``(?P<camid>\w+)/(?P<pid>\w+)/.*``.

    Raises:
        UserError: nothing there, a pattern or table that makes no sense, or a picture whose person is not known.
    """
    root = Path(root)
    if root.suffix.lower() == ".csv":
        return _of_table(root)
    files = images_under(existing_folder(root))
    try:
        expression = re.compile(pattern or r"(?P<pid>[^/]+)/.*")
    except re.error as error:
        raise UserError(
            f"the pattern {pattern} is no regular expression ({error}).", "For example: (?P<pid>[^/]+)/.*"
        ) from error
    if "pid" not in expression.groupindex:
        raise UserError(f"the pattern {pattern} has no group 'pid'.", "For example: (?P<pid>[^/]+)/.*")
    found, strangers = [], []
    for file in files:
        match = expression.fullmatch(file.relative_to(root).as_posix())
        if match is None or not match["pid"]:
            strangers.append(file)
        else:
            found.append(Sighting(file, match["pid"], match.groupdict().get("camid") or ""))
    if strangers:
        hint = "Let it fit all paths." if pattern else "Give each person a folder, or a --pattern."
        raise UserError(f"{len(strangers)} pictures show nobody known, e.g. {strangers[0]}.", hint)
    return found


def draw_parts(sightings: Sequence[Sighting], *, train: float = 0.5, seed: int = 0) -> list[Sighting]:
    """Give each picture its part; no person is both in training and in the test.

    Of a test person one picture of each camera becomes a query, as in Market-1501, or one in all where cameras are not
    known; the rest is gallery. A person who could not be found again (one picture, or one camera) is gallery only.

    Args:
        sightings: any number, of at least two persons; those of the id −1 are left out.
        train: share of the persons to train on, in [0, 1); 0 makes a set to test on.
        seed: of the draw; the order of ``sightings`` does not count.

    Raises:
        UserError: a share that is none, or too few persons.
    """
    if not 0 <= train < 1:
        raise UserError(f"a training share of {train} is impossible.", "Give 0 or more, and less than 1.")
    persons: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sorted(sightings, key=lambda s: s.path.as_posix()):
        if sighting.pid != _JUNK:
            persons[sighting.pid].append(sighting)
    generator = random.Random(seed)
    order = sorted(persons)
    generator.shuffle(order)
    learned = set(order[: math.ceil(len(order) * train) if train else 0])
    tested = [pid for pid in sorted(persons) if pid not in learned]
    drawn = [replace(sighting, part="train") for pid in sorted(learned) for sighting in persons[pid]]
    for pid in tested:
        queries = _queries(persons[pid], generator)
        drawn += [replace(s, part="query" if s in queries else "gallery") for s in persons[pid]]
    if not any(sighting.part == "query" for sighting in drawn):
        raise UserError(
            f"none of {len(tested)} test persons has two pictures (of two cameras, where cameras are known).",
            "Give more pictures, or a smaller --train.",
        )
    return drawn


def write_table(drawn: Sequence[Sighting], path: str | Path) -> dict[str, int]:
    """Write a CSV that the benchmark ``folder`` reads; paths are relative to it.

    Returns:
        Pictures of each part.
    """
    path = Path(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    shown = {
        "occluded": any(s.occluded is not None for s in drawn),
        "timestamp": any(s.timestamp is not None for s in drawn),
        "tags": any(s.tags for s in drawn),
    }
    writer.writerow((*COLUMNS, *(name for name, some in shown.items() if some)))
    counts = {"train": 0, "query": 0, "gallery": 0}
    for sighting in drawn:
        counts[sighting.part] += 1
        place = Path(os.path.relpath(sighting.path.absolute(), path.absolute().parent)).as_posix()
        more = {
            "occluded": "" if sighting.occluded is None else str(sighting.occluded).lower(),
            "timestamp": "" if sighting.timestamp is None else f"{sighting.timestamp:.6f}".rstrip("0").rstrip("."),
            "tags": ";".join(sighting.tags),
        }
        own = (more[name] for name, some in shown.items() if some)
        writer.writerow((place, sighting.pid, sighting.camid, sighting.part, *own))
    write_file(path, text.getvalue(), what="the table")
    return counts


def _queries(pictures: Sequence[Sighting], generator: random.Random) -> list[Sighting]:
    cameras: dict[str, list[Sighting]] = defaultdict(list)
    for picture in pictures:
        cameras[picture.camid].append(picture)
    if len(pictures) < 2 or (len(cameras) < 2 and "" not in cameras):
        return []
    chosen = [generator.choice(cameras[camera]) for camera in sorted(cameras)]
    return chosen if len(chosen) < len(pictures) else chosen[:1]  # something must be left to be found


def _of_table(path: Path) -> list[Sighting]:
    return [
        Sighting(row.path, row.pid, row.camera or "", "", row.occluded, row.timestamp, row.tags)
        for row in read_table(path, needed=("path", "pid"))
    ]
