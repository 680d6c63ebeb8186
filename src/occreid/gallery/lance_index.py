"""The index of a gallery in a folder: made, asked for its state, and made anew after deletions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from occreid.errors import require
from occreid.files import read_json, write_json

_FILE = "index.json"
_PROBES = 20  # partitions a search looks at, at least


def build(table: Any, folder: Path, distance: str, kind: str, partitions: int, sub_vectors: int) -> None:
    """Build the index of vectors, and note in the gallery's folder how it was built."""
    _create(table, distance, kind, partitions, sub_vectors)
    write_json(folder / _FILE, {"kind": kind, "partitions": partitions, "sub_vectors": sub_vectors}, indent=None)


def renew(table: Any, folder: Path, distance: str, *, rows: int, anew: bool) -> None:
    """Make the index of ids; ``anew`` both: an index holds ids and vectors, of deleted rows too."""
    if anew and rows and (folder / _FILE).is_file():
        _create(table, distance, **read_json(folder / _FILE))
    if anew or (rows and not any(index.columns == ["id"] for index in table.list_indices())):
        table.create_index("id", config=require("lancedb.index", "gallery").BTree(), replace=True)


def state(table: Any) -> dict[str, Any] | None:
    """Kind of the index of vectors, and how many rows it does not hold yet; None: there is none."""
    for index in table.list_indices():
        if index.columns == ["vector"]:
            found = table.index_stats(index.name)
            return {"type": found.index_type, "waiting": found.num_unindexed_rows}
    return None


def probes(folder: Path) -> int:
    """Half of the index's partitions: a fixed number finds less and less as a gallery grows."""
    file = folder / _FILE
    return max(_PROBES, read_json(file)["partitions"] // 2 if file.is_file() else 0)


def _create(table: Any, distance: str, kind: str, partitions: int, sub_vectors: int) -> None:
    kinds = require("lancedb.index", "gallery")
    options = {"distance_type": distance, "num_partitions": partitions}
    config = kinds.IvfPq(num_sub_vectors=sub_vectors, **options) if kind == "IVF_PQ" else kinds.IvfFlat(**options)
    table.create_index("vector", config=config, replace=True)
