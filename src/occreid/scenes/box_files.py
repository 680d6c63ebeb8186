"""Files of boxes, as detectors and trackers write them: JSON, CSV, and MOT's text.

A path keeps the name that the file gives it. It counts within one source: path 7 of the door and path 7 of the hall
are two persons.

Letters: N boxes.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from occreid.errors import UserError
from occreid.files import read_json, read_text
from occreid.names import plain_name, whole_number
from occreid.scenes.boxes import Box, boxes_in
from occreid.scenes.frames import Frame

ENDINGS = (".json", ".csv", ".txt")
_KINDS = "Give a .json, .csv or MOT .txt file of boxes."
_UNKNOWN = -1  # MOT's word for a number that a tracker does not give


@dataclass(frozen=True, slots=True)
class _Row:
    """One box; ``file`` is empty in MOT's files, which have no names."""

    file: PurePath
    corners: tuple[float, float, float, float]
    score: float
    track: str | None


class BoxFile:
    """A detector that looks boxes up in a file.

    Args:
        path: ``.json``: a list of objects with file, x, y, width, height, and optionally frame (from 0), score, track;
            ``.csv``: the same columns; or MOT's ``.txt``: frame (from 1), track, x, y, width, height, score.

    Attributes:
        tracks: the names of all paths in it.

    Raises:
        UserError: no such file, or one that holds no boxes.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._mot = path, path.suffix.lower() == ".txt"
        self._held = _keyed(path, _mot_rows(path) if self._mot else _table_rows(path))
        every = [row for rows in self._held.values() for row in rows]
        self.tracks = frozenset(row.track for row in every if row.track is not None)
        self._nameless = not all(row.file.name for row in every)
        self._fits = False  # a tracker's boxes may leave the scene later; where all do at once, they are of another
        self._owner: dict[PurePath, str] = {}  # whose boxes a file name of the rows are

    def __call__(self, frame: Frame) -> list[Box]:
        """The boxes of a frame.

        Raises:
            UserError: they cannot be of this scene, or the file does not tell whose they are.
        """
        if self._nameless:
            self._claim(PurePath(), self.sequence(frame))
        source = PurePath(frame.source)
        found = [row for row in self._held.get((source.name, frame.number), ()) if _same_file(row.file, source)]
        for row in found:
            self._claim(row.file, frame.source)
        found += self._held.get(("", self._number(frame)), ())
        corners = [row.corners for row in found]
        if found and not self._fits:
            _require_inside(self.path, frame, corners)
            self._fits = True
        scores, tracks = [row.score for row in found], [row.track for row in found]
        return boxes_in(corners, scores, frame.pixels.shape[:2], str(self.path), tracks=tracks)

    def sequence(self, frame: Frame) -> str:
        """The frames within which a path's name is one person: a source; in MOT's folders of numbered pictures all."""
        return str(PurePath(frame.source).parent) if self._numbered(frame) else frame.source

    def _number(self, frame: Frame) -> int:
        return int(PurePath(frame.source).stem) - 1 if self._numbered(frame) else frame.number

    def _numbered(self, frame: Frame) -> bool:
        """Whether a picture's name is its place in a sequence from 1, as in MOT's folders."""
        stem = PurePath(frame.source).stem
        return self._mot and frame.seconds is None and stem.isascii() and stem.isdigit()

    def _claim(self, file: PurePath, owner: str) -> None:
        """Give boxes of a file name to whom they fit first.

        Raises:
            UserError: they fit a second one, whose persons would get the paths of the first's.
        """
        first = self._owner.setdefault(file, owner)
        if first == owner:
            return
        if not file.name:
            raise UserError(
                f"{self.path} names no files, so its boxes are of one scene or video, but {first} and {owner} are two.",
                "Run the command once for each, with its own file of boxes.",
            )
        raise UserError(
            f"{self.path} has boxes of '{file}', which fits {first} and {owner}.",
            "Write so much of the path under file that it fits one.",
        )


def _same_file(named: PurePath, source: PurePath) -> bool:
    """Whether a file's name in the table can mean a source: as far as both go, from the end."""
    length = min(len(named.parts), len(source.parts))
    return named.parts[-length:] == source.parts[-length:]


def _require_inside(path: Path, frame: Frame, corners: list[tuple[float, float, float, float]]) -> None:
    """Refuse boxes that cannot be of this scene: of another size, or shares instead of pixels.

    Raises:
        UserError: none of them shows a pixel of it.
    """
    height, width = frame.pixels.shape[:2]
    seen = [b for b in corners if b[2] > 0 and b[3] > 0 and b[0] < width and b[1] < height and b[2] - b[0] > 1]
    if not seen:
        shown = ", ".join(f"{number:g}" for number in corners[0])
        raise UserError(
            f"{path} has no box inside {frame.name}, which is {width} × {height} pixels; the first is {shown}.",
            "Boxes are in pixels of the scene as it is: no shares, and of no other size.",
        )


def _table_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(read_text(path, what="the file of boxes", hint=_KINDS))))
    rows = read_json(path, what="the file of boxes", hint=_KINDS)
    if not isinstance(rows, list):
        raise UserError(f"{path} holds no list of boxes.", 'Write [{"file": …, "x": …, …}, …].')
    return rows


def _keyed(path: Path, rows: Iterable[dict[str, Any]]) -> dict[tuple[str, int], list[_Row]]:
    """Boxes by (file name, frame)."""
    held: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        try:
            x, y, width, height = (float(row[key]) for key in ("x", "y", "width", "height"))
            file, score = PurePath(str(row.get("file") or "")), row.get("score")
            box = _Row(
                file,
                (x, y, x + width, y + height),
                1.0 if score in (None, "") else float(score),
                _track(row.get("track")),
            )
            held[file.name, int(row.get("frame") or 0)].append(box)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"{path}, box {number}: {json.dumps(row, default=str)[:80]} is none ({error}).",
                "Each needs x, y, width, height, of pictures file, and of videos frame from 0.",
            ) from error
    if not held:
        raise UserError(f"{path} holds no boxes.", "Each has x, y, width, height, of pictures file, of videos frame.")
    return dict(held)


def _mot_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(read_text(path, what="the file of boxes", hint=_KINDS).splitlines(), 1):
        cells = line.split(",")
        if not line.strip():
            continue
        if len(cells) < 6:
            raise UserError(f"{path}, line {number} is no line of MOT's.", "frame,track,x,y,width,height,score,…")
        try:
            frame = int(cells[0])
            score = float(cells[6]) if len(cells) > 6 else _UNKNOWN
            sides = dict(zip(("x", "y", "width", "height"), map(float, cells[2:6]), strict=True))
        except ValueError as error:
            raise UserError(f"{path}, line {number} holds no numbers ({error}).", "frame,track,x,y,…") from error
        if frame < 1:
            raise UserError(f"{path}, line {number} is of frame {frame}.", "MOT's files count frames from 1.")
        sure = 1.0 if score == _UNKNOWN else min(max(score, 0.0), 1.0)
        rows.append({"frame": frame - 1, "track": cells[1], **sides, "score": sure})
    return rows


def _track(value: object) -> str | None:
    """A path's name as `occreid.names.plain_name` spells it; None where there is none, MOT's −1 included."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    name = plain_name(str(value))
    number = whole_number(name)
    return None if not name or (number is not None and number < 0) else name
