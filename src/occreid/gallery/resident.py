"""The descriptors of a gallery in a folder, kept in memory between searches as far as they fit.

Reading a million descriptors from disk takes seconds, comparing with them a fraction of one. Rows are told apart
by Lance's row ids: fragment number and offset, ascending in the order of a scan, never used twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import Prepared
from occreid.gallery.blocks import BLOCK, Block, block_columns, to_block
from occreid.gallery.coded import Coded
from occreid.gallery.filters import Filter
from occreid.gallery.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

_TAKEN = 2048  # rows read by their ids at once
_RELOAD = 0.25  # share of new rows, or of rows that are gone, beyond which reading everything again is cheaper


class Numbered(Protocol):
    """What the rows are read from: `LanceStore`."""

    manifest: Manifest

    def version(self) -> int:
        """Changes with every commit."""
        ...

    def numbers(self) -> np.ndarray:
        """Row ids (N,) int64, ascending."""
        ...

    def numbered(self, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """All rows with their ``_rowid``, ascending."""
        ...

    def take(self, numbers: np.ndarray, columns: list[str]) -> pa.Table:
        """Rows by row id, with their ``_rowid``."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """What is in memory of one version: blocks, and of each the row ids and which of its rows still exist."""

    version: int
    blocks: tuple[Block, ...]
    numbers: tuple[np.ndarray, ...]
    alive: tuple[Tensor, ...]


class Resident:
    """All descriptors of a store in memory, brought up to date before each search; safe to use from threads."""

    def __init__(self, store: Numbered) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held = _Held(-1, (), (), ())

    def blocks(self, filter: Filter | None) -> Iterator[Block]:
        """The rows that pass the filter; ``exclude_own`` is not looked at.

        All reading is done when this returns.
        """
        return self._chosen(self._current(), filter or Filter())

    @staticmethod
    def _chosen(held: _Held, filter: Filter) -> Iterator[Block]:
        for block, alive in zip(held.blocks, held.alive, strict=True):
            chosen = alive & block.passing(filter)
            if chosen.any():
                yield block.where(chosen)

    def _current(self) -> _Held:
        """What is held, of one version even while others write."""
        with self._lock:
            while self._store.version() != self._held.version:
                self._held = self._renewed()
            return self._held

    def _renewed(self) -> _Held:
        version, alive = self._store.version(), self._store.numbers()
        known = np.concatenate([np.empty(0, np.int64), *self._held.numbers])
        new = alive[~_among(alive, known)]
        gone = len(known) + len(new) - len(alive)  # they would stay in memory for nothing
        if max(len(new), gone) > _RELOAD * len(alive) + _TAKEN or gone == len(known):
            blocks, numbers = self._read_all()
        else:
            blocks, numbers = [*self._held.blocks], [*self._held.numbers]
            for start in range(0, len(new), _TAKEN):
                self._append(blocks, numbers, new[start : start + _TAKEN])
        exist = (torch.from_numpy(_among(own, alive)) for own in numbers)
        return _Held(version, tuple(blocks), tuple(numbers), tuple(exist))

    def _read_all(self) -> tuple[list[Block], list[np.ndarray]]:
        import pyarrow as pa

        blocks, numbers, waiting = [], [], []

        def take_up() -> None:
            table = pa.Table.from_batches(waiting)
            blocks.append(to_block(table, self._store.manifest))
            numbers.append(table.column("_rowid").to_numpy().astype(np.int64))
            waiting.clear()

        for batch in self._store.numbered(block_columns(self._store.manifest), BLOCK):
            if waiting and sum(map(len, waiting)) + len(batch) > BLOCK:
                take_up()
            waiting.append(batch)  # a gallery filled entry by entry gives batches of one row
        if waiting:
            take_up()
        return blocks, numbers

    def _append(self, blocks: list[Block], numbers: list[np.ndarray], new: np.ndarray) -> None:
        """Read a few new rows; the last block takes them up while it has room, so that blocks stay few."""
        table = self._store.take(new, block_columns(self._store.manifest))
        block, own = to_block(table, self._store.manifest), table.column("_rowid").to_numpy().astype(np.int64)
        if blocks and len(blocks[-1]) + len(block) <= BLOCK:
            block, own = _joined(blocks.pop(), block), np.concatenate([numbers.pop(), own])
        blocks.append(block)
        numbers.append(own)


def _joined(first: Block, second: Block) -> Block:
    import pyarrow as pa

    about = pa.concat_tables([first.about, second.about]).combine_chunks()
    return Block(
        about,
        Coded.of(about.column("camera")),
        torch.cat([first.times, second.times]),
        Prepared(Descriptors.cat([first.side.gallery, second.side.gallery]), first.side.metric),
    )


def _among(numbers: np.ndarray, sorted_others: np.ndarray) -> np.ndarray:
    """Which of ``numbers`` are in the ascending ``sorted_others``, as a bool array."""
    if not len(sorted_others):
        return np.zeros(len(numbers), bool)
    positions = np.searchsorted(sorted_others, numbers).clip(max=len(sorted_others) - 1)
    return sorted_others[positions] == numbers
