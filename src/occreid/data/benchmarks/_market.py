"""The layout of Market-1501, which many benchmarks share: three folders, id and camera in each file's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from occreid.data.benchmarks._files import find_folders
from occreid.data.walk import images_under
from occreid.errors import UserError
from occreid.records import Record

PARTS = {"train": ("bounding_box_train",), "query": ("query",), "gallery": ("bounding_box_test",)}
JUNK = -1


@dataclass(slots=True)
class Names:
    """Reads ids and cameras from file names, and remembers the files that did not fit.

    Attributes:
        pattern: regular expression of the whole file name with the groups ``pid`` and ``camid``. Only the
            name is matched, never the path: a folder ``run-3_c7`` must not change anybody's id.
        first_camera: the number of the first camera; `Record.camid` is zero-based.
        skipped: image files whose names did not fit.
        junk: number of images of pid −1, which were dropped.
    """

    pattern: re.Pattern[str]
    first_camera: int = 1
    skipped: list[Path] = field(default_factory=list)
    junk: int = 0

    def read(self, folder: Path, occluded: bool | None = None) -> tuple[Record, ...]:
        """The records of all images under a folder, sorted by path.

        Raises:
            UserError: no image there, or none with a fitting name.
        """
        records: list[Record] = []
        misnamed: list[Path] = []
        junk = 0
        for path in images_under(folder):
            match = self.pattern.fullmatch(path.name)
            camid = int(match["camid"]) - self.first_camera if match else -1
            if match is None or camid < 0 or int(match["pid"]) < JUNK:
                misnamed.append(path)
            elif int(match["pid"]) == JUNK:
                junk += 1
            else:
                camera = str(int(match["camid"]))  # as files, papers and people count
                records.append(Record(path, int(match["pid"]), camid, occluded, camera=camera))
        if not records and not junk:
            raise UserError(
                f"no image in {folder} has a name with an id and a camera; the first is {misnamed[0].name}.",
                f"Names must match {self.pattern.pattern}",
            )
        self.skipped += misnamed
        self.junk += junk
        return tuple(records)

    def notes(self) -> dict[str, str]:
        """Facts for `Split.notes`."""
        return {"junk_dropped": str(self.junk)} if self.junk else {}


def market_folders(root: Path, usual: Sequence[str]) -> dict[str, Path]:
    """The folders bounding_box_train, query and bounding_box_test.

    Raises:
        UserError: one is missing.
    """
    return find_folders(root, usual, PARTS)
