"""The index of a gallery in a folder: made, asked for its state, and made anew after deletions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from occreid.errors import UserError, require
from occreid.files import read_json, write_json
from occreid.gallery.errors import StorageError

_FILE = "index.json"
_AGAIN = "Build the index anew: occreid gallery index"
_PROBES = 20  # partitions a search looks at, at least


def build(table: Any, folder: Path, distance: str, kind: str, partitions: int, sub_vectors: int) -> None:
    """Build the index of vectors, and note in the gallery's folder how it was built."""
    _create(table, distance, kind, partitions, sub_vectors)
    write_json(folder / _FILE, {"kind": kind, "partitions": partitions, "sub_vectors": sub_vectors}, indent=None)


def renew(table: Any, folder: Path, distance: str, *, rows: int, anew: bool) -> None:
    """Make the index of ids; ``anew`` both: an index holds ids and vectors, of deleted rows too."""
    if anew and rows and (built := _noted(folder)) is not None:
        _create(table, distance, *built)
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
    built = _noted(folder)
    return _PROBES if built is None else max(_PROBES, built[1] // 2)


def _noted(folder: Path) -> tuple[str, int, int] | None:
    """Kind, partitions and sub-vectors of the index as it was built; None: none was.

    Raises:
        StorageError: the note is damaged.
    """
    file = folder / _FILE
    if not file.is_file():
        return None
    try:
        held = read_json(file)
        kind, partitions, sub_vectors = (held[key] for key in ("kind", "partitions", "sub_vectors"))
    except (UserError, KeyError, TypeError) as error:
        raise StorageError(f"{file} is damaged ({error}).", _AGAIN) from error
    if not isinstance(kind, str) or not all(type(number) is int and number > 0 for number in (partitions, sub_vectors)):
        raise StorageError(f"{file} is damaged.", _AGAIN)
    return kind, partitions, sub_vectors


def _create(table: Any, distance: str, kind: str, partitions: int, sub_vectors: int) -> None:
    kinds = require("lancedb.index", "gallery")
    options = {"distance_type": distance, "num_partitions": partitions}
    config = kinds.IvfPq(num_sub_vectors=sub_vectors, **options) if kind == "IVF_PQ" else kinds.IvfFlat(**options)
    table.create_index("vector", config=config, replace=True)
