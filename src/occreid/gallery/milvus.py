"""A gallery in Milvus: a server or cluster by its address, or milvus-lite in this process (a path ending in .db)."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from occreid.errors import UserError, require
from occreid.gallery.blocks import Block, block_columns, to_block
from occreid.gallery.checks import NAME_LENGTH
from occreid.gallery.errors import StorageError
from occreid.gallery.filters import Filter
from occreid.gallery.manifest import Manifest
from occreid.gallery.milvus_sql import LONGEST, NUMBERS, PATH, TAGS, all_of, conditions_of, taken_before, to_milvus
from occreid.gallery.rows import schema

if TYPE_CHECKING:
    import pyarrow as pa

_LITE_COLLECTION, _SERVER_COLLECTION = "people", "occreid"
_PROPERTY = "occreid"  # where milvus-lite keeps the manifest: it forgets a collection's description
_IDS_AT_ONCE = 256
_TAG, _ID = 64, 128  # characters
_INSERT_BYTES = 48 * 2**20  # a server takes messages of 64 MiB; one message is what is atomic
_WIDEST = 32_768


class MilvusStore:
    """See `Store`. One `insert` is one message to the server, so that it is committed whole or not at all."""

    def __init__(self, client: Any, collection: str, manifest: Manifest, where: str) -> None:
        self.manifest, self.where = manifest, where
        self._client, self._name = client, collection
        self._columns = schema(manifest)
        self._turn = threading.Lock()
        client.load_collection(collection)

    @classmethod
    def create(cls, uri: str, manifest: Manifest, token: str | None) -> MilvusStore:
        """Make the collection.

        Raises:
            UserError: it is there already, the server cannot be reached, or the descriptor is too long for Milvus.
        """
        if manifest.parts * manifest.dim > _WIDEST:
            raise UserError(f"Milvus keeps vectors of at most {_WIDEST} numbers.", "Use a gallery in a folder.")
        client, collection = _connect(uri, token)
        with _milvus_errors(uri):
            if client.has_collection(collection):
                raise UserError(f"{uri} holds the collection '{collection}' already.", "Open it, or name another.")
            client.create_collection(
                collection,
                schema=_milvus_schema(client, manifest),
                index_params=_indexes(client, manifest, "FLAT", {}),
                consistency_level="Strong",
                num_shards=1,
                **({} if _is_server(uri) else {"properties": {_PROPERTY: manifest.to_json()}}),
            )
            return cls(client, collection, manifest, uri)

    @classmethod
    def open(cls, uri: str, token: str | None) -> MilvusStore:
        """Open what `create` made.

        Raises:
            UserError: there is no gallery, or the server cannot be reached.
        """
        client, collection = _connect(uri, token)
        with _milvus_errors(uri):
            if not client.has_collection(collection):
                raise UserError(f"{uri} holds no collection '{collection}'.", "Create it: occreid gallery create")
            described = client.describe_collection(collection)
            text = described["description"] or described["properties"].get(_PROPERTY, "")
            return cls(client, collection, Manifest.from_json(text, uri), uri)

    @property
    def exact(self) -> bool:
        """See `Store`: the server compares with every row as long as no other index was built."""
        return not self.manifest.by_parts and self._index_type() == "FLAT"

    def insert(self, rows: pa.Table) -> int:
        """See `Store`."""
        names = rows.column("id").to_pylist()
        there = set(self.fetch(names, ["id"]).column("id").to_pylist())
        new = [self._row(row) for row, name in zip(rows.to_pylist(), names, strict=True) if name not in there]
        if rows.nbytes > _INSERT_BYTES:
            raise UserError(
                f"{len(rows)} entries of {rows.nbytes / 2**20:.0f} MiB are too many for one message to Milvus.",
                f"Add at most {int(len(rows) * _INSERT_BYTES / rows.nbytes)} at once.",
            )
        if new:
            with _milvus_errors(self.where):
                self._client.upsert(self._name, new)  # where another process adds the same id, it stays one row
        return len(new)

    def change(self, ids: Sequence[str], changed: Callable[[pa.Table], pa.Table], filter: Filter | None = None) -> int:
        """See `Store`; as one step only among this process's threads.

        A row that another process deletes meanwhile comes back, and what it changes meanwhile is undone: Milvus has no
        way to say "if there" or "if unchanged".
        """
        with self._turn, _milvus_errors(self.where):
            rows = self.fetch(ids, filter=filter)
            if len(rows):
                self._client.upsert(self._name, [self._row(row) for row in changed(rows).to_pylist()])
            return len(rows)

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        return to_milvus(row, self.where, self.manifest.numbered)

    def delete(self, *, ids: Sequence[str] | None, before: float | None, filter: Filter | None) -> int:
        """See `Store`."""
        conditions = conditions_of(filter, self.manifest.numbered)
        if ids is not None:
            conditions.append(f"id in {list(ids)}")
        if before is not None:
            conditions.append(taken_before(before))
        with self._turn, _milvus_errors(self.where):
            rows = self._count(all_of(conditions))
            if rows:
                self._client.delete(self._name, filter=all_of(conditions))
            return rows

    def count(self) -> int:
        """See `Store`."""
        with _milvus_errors(self.where):
            return self._count("")

    def _count(self, condition: str) -> int:
        return int(self._client.query(self._name, filter=condition, output_fields=["count(*)"])[0]["count(*)"])

    def fetch(self, ids: Sequence[str], columns: Sequence[str] | None = None, filter: Filter | None = None) -> pa.Table:
        """See `Store`."""
        names = list(columns) if columns else self._columns.names
        found: list[dict[str, Any]] = []
        with _milvus_errors(self.where):
            for start in range(0, len(ids), _IDS_AT_ONCE):
                some = list(ids[start : start + _IDS_AT_ONCE])
                condition = all_of([f"id in {some}", *conditions_of(filter, self.manifest.numbered)])
                found += self._client.query(self._name, filter=condition, output_fields=self._fields(names))
        return self._table(found, names)

    def scan(self, columns: Sequence[str], filter: Filter | None = None, rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """See `Store`."""
        with _milvus_errors(self.where):
            pages = self._client.query_iterator(
                self._name,
                batch_size=min(rows, 1024),
                filter=self._condition(filter),
                output_fields=self._fields(columns),
            )
            try:
                while page := pages.next():
                    yield from self._table(page, columns).to_batches()
            finally:
                pages.close()

    def blocks(self, filter: Filter | None) -> Iterator[Block]:
        """See `Store`."""
        for batch in self.scan(block_columns(self.manifest), filter):
            yield to_block(batch, self.manifest)

    def sample(self, rows: int) -> pa.Table:
        """See `Store`: the first ones, a server draws none."""
        import pyarrow as pa

        names = self._columns.names
        for block in self.scan(names, rows=rows):
            return pa.Table.from_batches([block])
        return self._table([], names)

    def nearest(
        self, vector: np.ndarray, k: int, columns: Sequence[str], filter: Filter | None, probes: int | None = None
    ) -> pa.Table:
        """See `Store`."""
        with _milvus_errors(self.where):
            (found,) = self._client.search(
                self._name,
                data=[vector],
                anns_field="vector",
                limit=k,
                filter=self._condition(filter),
                output_fields=self._fields(columns),
                search_params={"params": {"nprobe": probes} if probes else {}},
            )
        return self._table([{"id": hit["id"], **hit["entity"]} for hit in found], columns)

    def build_index(self, kind: str, partitions: int, sub_vectors: int) -> None:
        """See `Store`."""
        if kind == "IVF_PQ" and not _is_server(self.where):
            raise UserError("milvus-lite has no IVF_PQ.", "Build an IVF_FLAT, or use a Milvus server or a folder.")
        params = {"nlist": partitions, **({"m": sub_vectors, "nbits": 8} if kind == "IVF_PQ" else {})}
        with _milvus_errors(self.where):
            self._client.release_collection(self._name)
            self._client.drop_index(self._name, "vector")
            self._client.create_index(self._name, _indexes(self._client, self.manifest, kind, params, only="vector"))
            self._client.load_collection(self._name)

    def index(self) -> dict[str, Any] | None:
        """See `Store`."""
        kind = self._index_type()
        return None if kind == "FLAT" else {"type": kind, "waiting": 0}

    def _index_type(self) -> str:
        with _milvus_errors(self.where):
            return str(self._client.describe_index(self._name, "vector")["index_type"])

    def compact(self) -> None:
        """See `Store`. A server drops deleted rows some time after its compaction (its garbage collector)."""
        with _milvus_errors(self.where):
            self._client.flush(self._name)
            self._client.compact(self._name)

    def unswept(self) -> bool:
        """See `Store`: Milvus keeps that to itself, and sweeps in its own time."""
        return False

    def check_writable(self) -> None:
        """See `Store`: a server is only asked whether it answers."""
        self.count()

    def keep_on_disk(self) -> None:
        """See `Store`.

        Raises:
            UserError: always, a server decides for itself.
        """
        raise UserError("Milvus decides itself when its data reach the disk.", "Use --durability process.")

    def copied_to(self, folder: Path) -> tuple[dict[str, str], int]:
        """See `Store`.

        Raises:
            UserError: always, Milvus has a tool of its own.
        """
        raise UserError(f"{self.where} is in Milvus.", "Use its own tool: milvus-backup.")

    def close(self) -> None:
        """See `Store`."""
        self._client.close()
        if not _is_server(self.where):
            require("milvus_lite.server_manager", "cluster").server_manager_instance.release_server(self.where)

    def size(self) -> None:
        """See `Store`: a server does not say."""
        return None

    def _condition(self, filter: Filter | None) -> str:
        return all_of(conditions_of(filter, self.manifest.numbered))

    def _fields(self, columns: Sequence[str]) -> list[str]:
        """What Milvus calls these columns."""
        return [NUMBERS.get(name, name) if self.manifest.numbered else name for name in columns]

    def _table(self, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa

        fields = [self._columns.field(name) for name in columns]
        arrays = []
        for field, source in zip(fields, self._fields(columns), strict=True):
            values = [row[source] for row in rows]
            if source != field.name:
                values = [None if value is None else str(value) for value in values]
            if field.name == "picture":
                values = [None if value is None else base64.b64decode(value) for value in values]
            if pa.types.is_fixed_size_list(field.type):
                flat = np.asarray(values, np.float32).reshape(-1)
                arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), field.type.list_size))
            else:
                arrays.append(pa.array(values, field.type))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _connect(uri: str, token: str | None) -> tuple[Any, str]:
    """A client, and the name of the collection."""
    pymilvus = require("pymilvus", "cluster")
    address = urlsplit(uri)
    server = _is_server(uri)
    name = (address.path.strip("/") or _SERVER_COLLECTION) if server else _LITE_COLLECTION
    place = f"{address.scheme}://{address.netloc}" if server else uri
    with _milvus_errors(uri):
        return pymilvus.MilvusClient(place, token=token or "", timeout=10), name


def _is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _milvus_schema(client: Any, manifest: Manifest) -> Any:
    pymilvus = require("pymilvus", "cluster")
    kind = pymilvus.DataType
    made = client.create_schema(auto_id=False, enable_dynamic_field=False, description=manifest.to_json())
    made.add_field("id", kind.VARCHAR, is_primary=True, max_length=_ID)
    made.add_field("vector", kind.FLOAT_VECTOR, dim=manifest.width)
    if manifest.by_parts:
        made.add_field("parts", kind.FLOAT_VECTOR, dim=manifest.parts * manifest.dim)
    made.add_field("visible", kind.VARCHAR, max_length=max(manifest.parts, 1))
    for name in ("person", "camera"):
        made.add_field(name, kind.VARCHAR, max_length=4 * NAME_LENGTH, nullable=True)
    made.add_field("time", kind.DOUBLE, nullable=True)
    made.add_field("added", kind.DOUBLE)
    made.add_field("tags", kind.ARRAY, element_type=kind.VARCHAR, max_capacity=TAGS, max_length=4 * _TAG)
    made.add_field("path", kind.VARCHAR, max_length=PATH, nullable=True)
    made.add_field("picture", kind.VARCHAR, max_length=LONGEST, nullable=True)
    made.add_field("crc", kind.INT64)
    return made


def _indexes(client: Any, manifest: Manifest, kind: str, params: dict[str, int], only: str | None = None) -> Any:
    wanted = client.prepare_index_params()
    metric = "L2" if manifest.metric == "euclidean" else "COSINE"
    wanted.add_index("vector", index_type=kind, metric_type=metric, params=params)
    if manifest.by_parts and only is None:
        wanted.add_index("parts", index_type="FLAT", metric_type="L2")  # Milvus loads no vectors without an index
    return wanted


@contextmanager
def _milvus_errors(uri: str) -> Iterator[None]:
    """What Milvus answers with an error becomes a `UserError`."""
    pymilvus = require("pymilvus", "cluster")
    try:
        yield
    except pymilvus.MilvusException as error:
        raise StorageError(
            f"Milvus at {uri} refused: {error.message}", "Is the server there, is the token right?"
        ) from error
