"""Tables of a run folder (``log.csv``, ``evaluation.csv``): append-only, cut back to the checkpoint on resume."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from occreid.files import read_text, write_file

Value = str | int | float


class Table:
    """A CSV file whose rows carry the columns ``stage`` and ``epoch``.

    Args:
        path: the file; read if it exists. A last line that a kill cut short is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            text = read_text(path, what="the table")
            reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1]))
            self.rows = list(reader)
            self.columns = list(reader.fieldnames or [])

    def append(self, row: Mapping[str, Value]) -> None:
        """Add a row; a column not seen before makes the file longer to the right."""
        new = [name for name in row if name not in self.columns]
        self.columns += new
        self.rows.append({name: str(value) for name, value in row.items()})
        if new:
            self._rewrite()
        else:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                self._writer(file).writerow(self.rows[-1])

    def cut_back(self, stages: list[str], stage: int, epoch: int) -> None:
        """Drop the rows after an epoch of a stage: a resumed run writes them again.

        Args:
            stages: names of all stages, in order.
            stage: index of the stage the checkpoint stands in.
            epoch: epochs of it that are complete.
        """
        kept = [row for row in self.rows if (stages.index(row["stage"]), int(row["epoch"])) <= (stage, epoch)]
        self.rows = kept
        if self.columns:
            self._rewrite()

    def _rewrite(self) -> None:
        buffer = io.StringIO()
        writer = self._writer(buffer)
        writer.writeheader()
        writer.writerows(self.rows)
        write_file(self.path, buffer.getvalue())

    def _writer(self, file: io.TextIOBase | io.StringIO) -> csv.DictWriter[str]:
        return csv.DictWriter(file, self.columns, restval="", lineterminator="\n")
