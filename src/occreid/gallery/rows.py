"""Entries as Arrow tables, the form both stores take and give.

Columns: id, vector (the searched vector, float32), parts (the whole descriptor, only where the vector is an
aggregate), visible ("1" and "0" per part), person and camera (the names, `Entry.pid` and `camid`), time
(`Entry.timestamp`), added (Unix seconds), tags, path, picture, crc. Galleries of earlier versions
(`Manifest.numbered`) have whole numbers pid and camid on disk; their stores read those as names.

Letters: N entries, P parts, D dimensions.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery.aggregate import aggregate
from occreid.gallery.entries import Entry
from occreid.gallery.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

ABOUT = ("id", "visible", "person", "camera", "time", "tags", "path")
"""Columns of a `Hit`."""


def schema(manifest: Manifest) -> pa.Schema:
    """The columns of a gallery."""
    import pyarrow as pa

    whole = [pa.field("parts", pa.list_(pa.float32(), manifest.parts * manifest.dim), nullable=False)]
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), manifest.width), nullable=False),
            *(whole if manifest.by_parts else []),
            pa.field("visible", pa.string(), nullable=False),
            pa.field("person", pa.string()),
            pa.field("camera", pa.string()),
            pa.field("time", pa.float64()),
            pa.field("added", pa.float64(), nullable=False),
            pa.field("tags", pa.list_(pa.string()), nullable=False),
            pa.field("path", pa.string()),
            pa.field("picture", pa.binary()),
            pa.field("crc", pa.int64(), nullable=False),
        ]
    )


def whole_column(manifest: Manifest) -> str:
    """The column that holds the whole descriptor."""
    return "parts" if manifest.by_parts else "vector"


def to_table(entries: Sequence[Entry], manifest: Manifest, added: float) -> pa.Table:
    """Entries as a table.

    Raises:
        UserError: an entry of another shape, or with NaN or infinity.
    """
    import pyarrow as pa

    for entry in entries:
        if entry.features.shape != (manifest.parts, manifest.dim):
            raise UserError(
                f"the entry {entry.id} is {tuple(entry.features.shape)} (parts, dimensions), "
                f"the gallery ({manifest.parts}, {manifest.dim}).",
                "Describe it with the model that made the gallery.",
            )
    described = Descriptors(
        torch.stack([e.features for e in entries]),
        torch.stack([e.visibility for e in entries]),
        paths=[e.id for e in entries],
    ).require_finite()
    columns = {
        "id": [e.id for e in entries],
        "vector": _fixed(search_vectors(described, manifest)),
        "visible": ["".join("01"[seen] for seen in e.visibility.tolist()) for e in entries],
        "person": [e.pid for e in entries],
        "camera": [e.camid for e in entries],
        **{name: [getattr(e, name) for e in entries] for name in ("path", "picture")},
        "time": [e.timestamp for e in entries],
        "added": [added] * len(entries),
        "tags": [list(e.tags) for e in entries],
        "crc": [checksum(e) for e in entries],
    }
    if manifest.by_parts:
        columns["parts"] = _fixed(described.features.flatten(1))
    return pa.table(columns, schema=schema(manifest))


def search_vectors(descriptors: Descriptors, manifest: Manifest) -> Tensor:
    """The vectors that are searched, (N, `Manifest.width`): an aggregate, else the descriptor itself."""
    return aggregate(descriptors) if manifest.by_parts else descriptors.features.flatten(1)


def checksum(entry: Entry) -> int:
    """CRC-32 of the descriptor and the picture, to find bytes that changed on disk."""
    crc = zlib.crc32(entry.visibility.numpy().tobytes(), zlib.crc32(entry.features.contiguous().numpy().tobytes()))
    return zlib.crc32(entry.picture or b"", crc)


def to_descriptors(table: pa.Table | pa.RecordBatch, manifest: Manifest) -> Descriptors:
    """The descriptors of rows that hold the whole descriptor and ``visible``."""
    whole = table.column(whole_column(manifest))
    features = _array(whole).reshape(-1, manifest.parts, manifest.dim)
    seen = "".join(table.column("visible").to_pylist()).encode()
    visible = np.frombuffer(seen, np.uint8).reshape(-1, manifest.parts) == ord("1")
    return Descriptors(torch.from_numpy(features), torch.from_numpy(visible))


def to_entries(table: pa.Table, manifest: Manifest) -> list[Entry]:
    """Entries of whole rows, as they are: a row of an earlier version may hold a time that no entry is given today."""
    described = to_descriptors(table, manifest)
    names = ("id", "pid", "camid", "tags", "path", "picture")
    columns = ("id", "person", "camera", *names[3:])
    facts = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
    found = [
        Entry(described.features[i].clone(), described.visibility[i].clone(), **dict(zip(names, row, strict=True)))
        for i, row in enumerate(facts)
    ]
    for entry, seconds in zip(found, table.column("time").to_pylist(), strict=True):
        entry.timestamp = seconds
    return found


def _fixed(vectors: Tensor) -> pa.FixedSizeListArray:
    import pyarrow as pa

    flat = vectors.contiguous().numpy().astype(np.float32, copy=False).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), vectors.shape[1])


def _array(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """The numbers of a fixed-size-list column, flat and writable (torch warns of others)."""
    import pyarrow as pa

    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    flat = [piece.flatten().to_numpy(zero_copy_only=False) for piece in pieces]
    return np.concatenate([np.empty(0, np.float32), *flat]) if len(flat) != 1 else flat[0].copy()
