"""Ids and cameras as people write them: numbers or words, turned into the numbers of a `Record`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from occreid.errors import UserError, did_you_mean
from occreid.records import Record

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One image as a table or a file name describes it; ``part`` is train, query or gallery."""

    path: Path
    part: str
    pid: str
    camera: str | None = None
    occluded: bool | None = None


@dataclass(frozen=True, slots=True)
class Numbered:
    """Rows turned into records.

    Attributes:
        records: (part, record) of all rows but junk.
        pids: the number of every id as it was written.
        notes: what was renumbered or dropped, for `Split.notes`.
    """

    records: list[tuple[str, Record]]
    pids: dict[str, int]
    notes: dict[str, str]

    def pid(self, written: str) -> int:
        """The number of an id.

        Raises:
            UserError: no image has it.
        """
        spelt = {pid for label, pid in self.pids.items() if label == written or str(pid) == written}
        if not spelt:
            raise UserError(f"no image has the id {written}.", did_you_mean(written, list(self.pids)[:_SHOWN]))
        return self.pids.get(written, min(spelt))


def numbered(rows: Sequence[Row]) -> Numbered:
    """The records of all rows but junk (pid −1), each with its part, and notes on what was renumbered.

    Whole numbers stay ids; words are numbered 0, 1, … in sorted order. Cameras are numbered 0, 1, … in sorted
    order always, for `Record.camid` is zero-based; without cameras all are 0.

    Raises:
        UserError: some images have a camera and some have none, or an id below −1.
    """
    without = [row for row in rows if not row.camera]
    if without and len(without) < len(rows):
        raise UserError(
            f"{len(without)} of {len(rows)} images have no camera, the first is {without[0].path}.",
            "Give every image a camera, or none.",
        )
    cameras, _ = _numbers({row.camera or "" for row in rows}, dense=True)
    pids, words = _numbers({row.pid for row in rows})
    below = next((row for row in rows if pids[row.pid] < -1), None)
    if below:
        raise UserError(f"{below.path} has the id {below.pid}.", "Ids are 0 or above, or -1 for junk.")
    records = [
        (row.part, Record(row.path, pids[row.pid], cameras[row.camera or ""], row.occluded))
        for row in rows
        if pids[row.pid] >= 0
    ]
    notes = {} if without else {"cameras": _legend(cameras)}
    if words:
        notes["ids"] = _legend(pids)
    if len(records) < len(rows):
        notes["junk_dropped"] = str(len(rows) - len(records))
    return Numbered(records, pids, notes)


def _numbers(labels: set[str], dense: bool = False) -> tuple[dict[str, int], bool]:
    """Number per label, and whether the labels were words; ``dense`` numbers whole numbers anew, too."""
    if not all(label.removeprefix("-").isdecimal() for label in labels):
        return {label: index for index, label in enumerate(sorted(labels))}, True
    numbers = {label: int(label) for label in sorted(labels)}  # "1" and "01" are the same camera
    if not dense:
        return numbers, False
    order = {number: index for index, number in enumerate(sorted(set(numbers.values())))}
    return {label: order[number] for label, number in numbers.items()}, False


def _legend(numbers: dict[str, int]) -> str:
    """E.g. ``entrance=0, hall=1``, of the first few."""
    shown = sorted(numbers.items(), key=lambda item: item[1])[:_SHOWN]
    return ", ".join(f"{label}={number}" for label, number in shown) + (", …" if len(numbers) > _SHOWN else "")
