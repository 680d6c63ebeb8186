"""A gallery in a folder: LanceDB, in this process, no server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from occreid.errors import UserError, require
from occreid.files import WRITABLE, new_folder, read_json, read_text, write_file, write_json
from occreid.gallery import fragments, lance_index
from occreid.gallery.blocks import BLOCK, Block, block_columns, to_block
from occreid.gallery.copies import copy_files
from occreid.gallery.durable import Flusher
from occreid.gallery.errors import StorageError, StorageFull
from occreid.gallery.filters import Filter
from occreid.gallery.lance_names import NAMES, give_names, named_by_now, selected, without_numbers
from occreid.gallery.lance_sql import all_of, conditions_of, one_of, taken_before
from occreid.gallery.manifest import MANIFEST_FILE, Manifest
from occreid.gallery.reserve import Reserve
from occreid.gallery.resident import Resident
from occreid.gallery.rows import schema
from occreid.gallery.sweep import sweep
from occreid.gallery.writable import check_writable

if TYPE_CHECKING:
    import pyarrow as pa

_TABLE, _LOCK = "people", "write.lock"
_DELETED = "deleted.json"
_PAUSES = (0.05, 0.2, 0.5)  # seconds between attempts to read
_INDEX_CACHE, _METADATA_CACHE = 2**30, 16 * 2**20  # bytes; Lance's own bounds let a long-lived writer grow by a GiB
Result = TypeVar("Result")
_AT_ONCE = timedelta(milliseconds=1)
_WAIT = 600  # seconds a writer waits for another


class LanceStore:
    """See `Store`. One writer at a time, across processes, by a lock file; readers never wait."""

    def __init__(self, folder: Path, manifest: Manifest, memory: int) -> None:
        from filelock import FileLock

        lancedb = require("lancedb", "gallery")
        self.manifest, self.where, self._folder = manifest, str(folder), folder
        self._turn = threading.Lock()  # among threads; the file lock lets a process in twice
        self._lock = FileLock(folder / _LOCK, timeout=_WAIT, thread_local=False)
        session = lancedb.Session(index_cache_size_bytes=_INDEX_CACHE, metadata_cache_size_bytes=_METADATA_CACHE)
        database = lancedb.connect(str(folder.absolute()), read_consistency_interval=timedelta(0), session=session)
        self._table = database.open_table(_TABLE)
        self._memory, self._resident = memory, Resident(self)
        self._commits = 0
        self._reserve = Reserve(folder)
        self._flusher: Flusher | None = None

    @classmethod
    def create(cls, folder: Path, manifest: Manifest, memory: int) -> LanceStore:
        """Make the folder.

        Raises:
            UserError: it holds something already, or cannot be written.
        """
        lancedb = require("lancedb", "gallery")
        with new_folder(folder, hint=WRITABLE) as part:  # a kill leaves nothing that looks like a gallery
            part.chmod(0o700)
            lancedb.connect(str(part.absolute())).create_table(_TABLE, schema=schema(manifest))
            write_file(part / MANIFEST_FILE, manifest.to_json() + "\n")
        return cls(folder, manifest, memory)

    @classmethod
    def open(cls, folder: Path, memory: int) -> LanceStore:
        """Open what `create` made.

        Raises:
            UserError: there is no gallery.
        """
        file = folder / MANIFEST_FILE
        if not file.is_file():
            raise UserError(f"{folder} is not a gallery.", "Create one with: occreid gallery create")
        return cls(folder, Manifest.from_json(read_text(file), str(file)), memory)

    @property
    def exact(self) -> bool:
        """See `Store`: blocks compared here are as fast, and their distances are ours."""
        return False

    def insert(self, rows: pa.Table) -> int:
        """See `Store`. Lance writes the data first and then renames one manifest into place: all rows or none."""
        with self._writing():
            there = set(self.fetch(rows.column("id").to_pylist(), ["id"]).column("id").to_pylist())
            new = [i for i, name in enumerate(rows.column("id").to_pylist()) if name not in there]
            if new:
                self.manifest = give_names(self.manifest, self._table, self._folder / MANIFEST_FILE)
                if self._commits % fragments.MANY == 0:
                    for group in fragments.alike(self.numbers()):
                        fragments.rewrite(self._table, group)  # first, so that what fails here has added nothing
                self._table.add(rows.take(new))
                self._commits += 1
            return len(new)

    def change(self, ids: Sequence[str], changed: Callable[[pa.Table], pa.Table], filter: Filter | None = None) -> int:
        """See `Store`."""
        with self._writing():
            self.manifest = give_names(self.manifest, self._table, self._folder / MANIFEST_FILE)
            rows = self.fetch(ids, filter=filter)  # here, or what another writer changes meanwhile would be undone
            if len(rows):
                self._touch(one_of("id", rows.column("id").to_pylist()))  # the old names are to go, too
                new = without_numbers(changed(rows), self._table)
                self._table.merge_insert("id").when_matched_update_all().execute(new)
            return len(rows)

    def delete(self, *, ids: Sequence[str] | None, before: float | None, filter: Filter | None) -> int:
        """See `Store`; works on a full disk, too."""
        return self._reserve.spend_on(lambda: self._delete(ids, before, filter))

    def _delete(self, ids: Sequence[str] | None, before: float | None, filter: Filter | None) -> int:
        conditions = [one_of("id", ids)] if ids is not None else []
        if before is not None:
            conditions.append(taken_before(before))
        condition = all_of([*conditions, *self._conditions(filter)])
        with self._writing():
            rows = self._touch(condition)
            if rows:
                self._table.delete(condition)
            return rows

    def _touch(self, condition: str) -> int:
        """Note which fragments hold rows that are about to go, so that `compact` takes their bytes away; how many."""
        found = self._table.search().with_row_id(True).select(["_rowid"]).where(condition).to_arrow()
        touched = {number >> 32 for number in found.column("_rowid").to_pylist()}
        if touched:
            write_json(self._folder / _DELETED, sorted(touched.union(self._touched())), indent=None)
        return len(found)

    def count(self) -> int:
        """See `Store`."""
        return self._read(self._table.count_rows)

    def fetch(self, ids: Sequence[str], columns: Sequence[str] | None = None, filter: Filter | None = None) -> pa.Table:
        """See `Store`."""
        names = list(columns) if columns else schema(self.manifest).names
        condition = all_of([one_of("id", ids), *self._conditions(filter)])
        return self._read(lambda: self._table.search().where(condition).select(self._selected(names)).to_arrow())

    def scan(self, columns: Sequence[str], filter: Filter | None = None, rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """See `Store`."""
        query = self._table.search().select(self._selected(columns))
        if conditions := self._conditions(filter):
            query = query.where(all_of(conditions))
        try:
            yield from query.to_batches(rows)
        except (OSError, RuntimeError) as error:
            raise StorageError(
                f"the gallery {self._folder} changed while it was read ({_plain(error)}).", "Try again."
            ) from error

    def blocks(self, filter: Filter | None) -> Iterator[Block]:
        """See `Store`: from memory where it is large enough, else from disk."""
        if self.count() * self.manifest.parts * self.manifest.dim * 4 <= self._memory:
            yield from self._read(lambda: self._resident.blocks(filter))
            return
        for batch in self.scan(block_columns(self.manifest), filter, BLOCK):
            if len(batch):
                yield to_block(batch, self.manifest)

    def version(self) -> int:
        """See `Numbered`."""
        return self._table.version

    def numbers(self) -> np.ndarray:
        """See `Numbered`."""
        rows = self._table.search().with_row_id(True).select(["_rowid"]).to_arrow()
        return np.sort(rows.column("_rowid").to_numpy().astype(np.int64))

    def numbered(self, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """See `Numbered`."""
        for batch in self._table.search().with_row_id(True).select(self._selected(columns)).to_batches(rows):
            if len(batch):
                yield batch

    def take(self, numbers: np.ndarray, columns: list[str]) -> pa.Table:
        """See `Numbered`."""
        return self._table.take_row_ids(numbers.tolist()).with_row_id().select(self._selected(columns)).to_arrow()

    def sample(self, rows: int) -> pa.Table:
        """See `Store`: one of each fragment first, so that a damaged file is met soon."""

        def read() -> pa.Table:
            numbers = np.random.default_rng().permutation(self.numbers())
            _, first = np.unique(numbers >> 32, return_index=True)
            chosen = np.concatenate([numbers[np.random.default_rng().permutation(first)], np.delete(numbers, first)])
            return self.take(chosen[:rows], schema(self.manifest).names)

        return self._read(read)

    def nearest(
        self, vector: np.ndarray, k: int, columns: Sequence[str], filter: Filter | None, probes: int | None = None
    ) -> pa.Table:
        """See `Store`."""
        query = self._table.search(vector, vector_column_name="vector").distance_type(self._distance())
        if conditions := self._conditions(filter):
            query = query.where(all_of(conditions), prefilter=True)
        query = query.nprobes(probes or lance_index.probes(self._folder))
        return self._read(lambda: query.limit(k).select(self._selected([*columns, "_distance"])).to_arrow())

    def _selected(self, columns: Sequence[str]) -> list[str] | dict[str, str]:
        self.manifest = named_by_now(self.manifest, self._table)
        return selected(columns, self.manifest)

    def _conditions(self, filter: Filter | None) -> list[str]:
        self.manifest = named_by_now(self.manifest, self._table)
        return conditions_of(filter, **(NAMES if self.manifest.numbered else {}))

    def build_index(self, kind: str, partitions: int, sub_vectors: int) -> None:
        """See `Store`."""
        with self._writing():
            lance_index.build(self._table, self._folder, self._distance(), kind, partitions, sub_vectors)

    def index(self) -> dict[str, Any] | None:
        """See `Store`."""
        return self._read(lambda: lance_index.state(self._table))

    def compact(self) -> None:
        """See `Store`; works on a full disk as far as a small reserve goes."""
        self._reserve.spend_on(self._compact)

    def _compact(self) -> None:
        """Lance keeps deleted rows while they are few, so their neighbours are written anew first."""
        with self._writing():
            touched = self._touched()
            self._sweep()  # makes room for what follows, on a disk that is full
            for fragment in touched:
                fragments.rewrite(self._table, [fragment])
                self._sweep()
            self._table.optimize(cleanup_older_than=_AT_ONCE, delete_unverified=True)
            rows, anew = self.count(), bool(touched)
            lance_index.renew(self._table, self._folder, self._distance(), rows=rows, anew=anew)
            self._sweep()
            (self._folder / _DELETED).unlink(missing_ok=True)

    def _sweep(self) -> None:
        indexes = self._table.list_indices()
        known = all(getattr(index, "num_segments", 0) == 1 for index in indexes)  # of more, only one shows its UUID
        sweep(self._folder, self._table.version, {index.index_uuid for index in indexes} if known else None)

    def unswept(self) -> bool:
        """See `Store`: `compact` takes the note away last."""
        return (self._folder / _DELETED).is_file()

    def _touched(self) -> list[int]:
        """Fragments that rows were deleted from since the last `compact`; all of them where the note is damaged."""
        file = self._folder / _DELETED
        try:
            return [int(fragment) for fragment in read_json(file)] if file.is_file() else []
        except (UserError, TypeError, ValueError):
            return np.unique(self.numbers() >> 32).tolist()

    def check_writable(self) -> None:
        """See `Store`."""
        with self._writing():
            check_writable(self._folder)

    def keep_on_disk(self) -> None:
        """See `Store`."""
        self._flusher = Flusher(self._folder)

    def copied_to(self, folder: Path) -> tuple[dict[str, str], int]:
        """See `Store`; what was deleted is swept first, so that no copy holds it."""
        while True:  # until nobody has deleted anything between sweeping and copying
            if self.unswept():
                self.compact()
            with self._writing():
                if not self.unswept():
                    return copy_files(self._folder, folder, leave=(_LOCK, self._reserve.file.name)), self.count()

    def close(self) -> None:
        """See `Store`; nothing stays open."""

    def size(self) -> int:
        """See `Store`."""
        return sum(
            file.stat().st_size for file in self._folder.rglob("*") if file.is_file() and file != self._reserve.file
        )

    def _distance(self) -> str:
        return "l2" if self.manifest.metric == "euclidean" else "cosine"

    def _read(self, read: Callable[[], Result]) -> Result:
        """Read once more where another process's `compact` has just taken away the files of the version being read."""
        for pause in _PAUSES:
            try:
                return read()
            except (OSError, RuntimeError):
                time.sleep(pause)
        try:
            return read()
        except (OSError, RuntimeError) as error:
            raise StorageError(
                f"cannot read the gallery {self._folder} ({_plain(error)}).", "Is the disk all right?"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone among writers; what the disk refuses becomes a `UserError`."""
        from filelock import Timeout

        try:
            with self._turn, self._lock:
                yield
                if self._flusher is not None:
                    self._flusher.flush()
        except Timeout as error:
            raise StorageError(
                f"another process writes to the gallery {self._folder} for more than {_WAIT} seconds.", "Try again."
            ) from error
        except (OSError, RuntimeError, UserError) as error:
            if isinstance(error, UserError) and not isinstance(error.__cause__, OSError):
                raise  # what `occreid.files` cannot write is the disk's fault, too
            raise StorageFull(
                f"cannot write the gallery {self._folder} ({_plain(error)}).", "Is the disk full?"
            ) from error


def _plain(error: Exception) -> str:
    """The error without the place in Lance's source."""
    return str(error).split(", /")[0]
