"""Ids and cameras as people write them: numbers or words, turned into the numbers of a `Record`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occreid.data.table import Row
from occreid.errors import UserError, did_you_mean
from occreid.names import plain_name, whole_number
from occreid.records import Record

_SHOWN = 20
_LARGEST = 2**63 - 1  # what a tensor of ids can hold


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
        label = plain_name(written)
        spelt = {pid for own, pid in self.pids.items() if label in (own, str(pid))}
        if not spelt:
            raise UserError(f"no image has the id {written}.", did_you_mean(written, list(self.pids)[:_SHOWN]))
        return self.pids.get(label, min(spelt))


def numbered(rows: Sequence[Row]) -> Numbered:
    """The records of all rows but junk (pid −1), each with its part, and notes on what was renumbered.

    Whole numbers stay ids (``1.0``, as pandas writes them beside an empty cell, is 1); words, and numbers beyond 64
    bits, are numbered 0, 1, … in sorted order. Cameras are numbered 0, 1, … in sorted order always, for
    `Record.camid` is zero-based; without cameras all are 0. The numbers mean nothing outside this split: the words
    stay with each record as its names.

    Raises:
        UserError: some images have a camera and some have none, or an id below −1.
    """
    without = [row for row in rows if not row.camera]
    if without and len(without) < len(rows):
        raise UserError(
            f"{len(without)} of {len(rows)} images have no camera, the first is {without[0].path}.",
            "Give every image a camera, or none.",
        )
    below = next((row for row in rows if (number := whole_number(row.pid)) is not None and number < -1), None)
    if below:
        raise UserError(f"{below.path} has the id {below.pid}.", "Ids are 0 or above, or -1 for junk.")
    cameras, _ = _numbers({plain_name(row.camera or "") for row in rows}, dense=True)
    kept = [row for row in rows if whole_number(row.pid) != -1]
    pids, words = _numbers({plain_name(row.pid) for row in kept})
    records = [
        (
            row.part,
            Record(
                row.path,
                pids[pid],
                cameras[camera],
                row.occluded,
                timestamp=row.timestamp,
                tags=row.tags,
                person=pid,
                camera=camera,
            ),
        )
        for row in kept
        for pid, camera in [(plain_name(row.pid), plain_name(row.camera or ""))]
    ]
    notes = {} if without else {"cameras": _legend(cameras)}
    if words:
        notes["ids"] = _legend(pids)
    if len(kept) < len(rows):
        notes["junk_dropped"] = str(len(rows) - len(kept))
    return Numbered(records, pids, notes)


def _numbers(labels: set[str], dense: bool = False) -> tuple[dict[str, int], bool]:
    """Number per label, and whether the labels were words; ``dense`` numbers whole numbers anew, too."""
    numbers = {label: number for label in labels if (number := whole_number(label)) is not None}
    if len(numbers) < len(labels) or max(numbers.values(), default=0) > _LARGEST:
        return {label: index for index, label in enumerate(sorted(labels))}, True
    if dense:
        return {label: index for index, label in enumerate(sorted(labels, key=numbers.__getitem__))}, False
    return {label: numbers[label] for label in sorted(labels)}, False


def _legend(numbers: dict[str, int]) -> str:
    """E.g. ``entrance=0, hall=1``, of the first few."""
    shown = sorted(numbers.items(), key=lambda item: item[1])[:_SHOWN]
    return ", ".join(f"{label}={number}" for label, number in shown) + (", …" if len(numbers) > _SHOWN else "")
