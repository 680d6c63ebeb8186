"""What a gallery asks of the place its rows lie in. Two places fulfil it: `lance` (a folder) and `milvus`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from occreid.gallery.blocks import Block
from occreid.gallery.filters import Filter
from occreid.gallery.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Store(Protocol):
    """Rows with the columns of `occreid.gallery.rows`. Every method sees what other processes have committed."""

    manifest: Manifest
    where: str
    """The place, for messages."""

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares with every row, by the gallery's own metric."""
        ...

    def insert(self, rows: pa.Table) -> int:
        """Insert the rows whose id is not there, all in one commit; how many those were."""
        ...

    def change(self, ids: Sequence[str], changed: Callable[[pa.Table], pa.Table], filter: Filter | None = None) -> int:
        """Write the rows of these ids anew, in one commit; those that are gone by now stay so.

        They are read and written as one step among writers, so that of two changes at once each keeps what the other
        has changed.

        Args:
            ids: of the rows.
            changed: whole rows → the same rows, changed.
            filter: rows that pass it.

        Returns:
            How many there were.
        """
        ...

    def delete(self, *, ids: Sequence[str] | None, before: float | None, filter: Filter | None) -> int:
        """Delete rows that fulfil all conditions given; how many."""
        ...

    def count(self) -> int:
        """Rows."""
        ...

    def fetch(self, ids: Sequence[str], columns: Sequence[str] | None = None, filter: Filter | None = None) -> pa.Table:
        """The rows of these ids that exist and pass the filter, in any order."""
        ...

    def scan(self, columns: Sequence[str], filter: Filter | None = None, rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """All rows that pass the filter, at most ``rows`` at once; ``exclude_own`` is not looked at."""
        ...

    def sample(self, rows: int) -> pa.Table:
        """Some whole rows, at most so many, at random where the place allows."""
        ...

    def blocks(self, filter: Filter | None) -> Iterator[Block]:
        """All rows that pass the filter as descriptors; ``exclude_own`` is not looked at."""
        ...

    def nearest(
        self, vector: np.ndarray, k: int, columns: Sequence[str], filter: Filter | None, probes: int | None = None
    ) -> pa.Table:
        """About the k nearest rows to a vector (width,), through the index where there is one.

        ``probes``: how many of the index's partitions are looked at.
        """
        ...

    def build_index(self, kind: str, partitions: int, sub_vectors: int) -> None:
        """Build the index anew, an ``IVF_PQ`` or ``IVF_FLAT`` of this many partitions."""
        ...

    def index(self) -> dict[str, Any] | None:
        """What index there is, and how many rows it does not hold yet; None: none."""
        ...

    def compact(self) -> None:
        """Rewrite files so that deleted rows are gone for good, and bring the index up to date."""
        ...

    def unswept(self) -> bool:
        """Whether the place knows of deleted rows that no `compact` has taken from the disk yet."""
        ...

    def check_writable(self) -> None:
        """Nothing, if something can be written; it waits for other writers.

        Raises:
            StorageError: it cannot.
        """
        ...

    def keep_on_disk(self) -> None:
        """From now on every commit is flushed to the disk before the method that makes it returns."""
        ...

    def copied_to(self, folder: Path) -> tuple[dict[str, str], int]:
        """Copy the rows as they are at one moment into a new folder; writers wait, readers do not.

        Returns:
            Of each file its SHA-256, by its path in the folder; and how many rows there were.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; the store is of no use afterwards."""
        ...

    def size(self) -> int | None:
        """Bytes on disk, where they can be known."""
        ...
