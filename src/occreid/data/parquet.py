"""A benchmark as Parquet with the pictures inside, in the form that Hugging Face's ``datasets`` and FiftyOne read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from occreid.data.images import read_bytes
from occreid.errors import UserError
from occreid.files import replacing
from occreid.records import Record, Split

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_ROWS = 256
"""Pictures of one row group: some megabytes."""


def write_parquet(
    split: Split, folder: str | Path, *, masks: bool = True, tick: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Write each part that has pictures as ``<part>.parquet``; the pictures' files are taken as they are.

    Columns: image and (where there are any) mask as bytes and file name, pid, camid, and occluded, occluder_kind and
    visibility where the benchmark tells them. Paths of this machine are not written.

    Args:
        split: the benchmark.
        folder: where to write; made if missing, files of the same name are replaced.
        masks: whether part masks go along.
        tick: called after each picture.

    Returns:
        Part → pictures.

    Raises:
        UserError: no picture at all, one that cannot be read, or the folder cannot be written.
    """
    parts = {"train": split.train, "query": split.query, "gallery": split.gallery}
    parts = {part: records for part, records in parts.items() if records}
    if not parts:
        raise UserError(f"{split.name} holds no pictures.", "Look at it with: occreid data stats")
    for part, records in parts.items():
        schema = _schema(records, masks)
        with (
            replacing(Path(folder) / f"{part}.parquet", what="the pictures") as file,
            pq.ParquetWriter(file, schema) as writer,
        ):
            for first in range(0, len(records), _ROWS):
                rows = []
                for record in records[first : first + _ROWS]:
                    rows.append(_row(record, schema))
                    tick()
                writer.write_table(pa.Table.from_pylist(rows, schema))
    return {part: len(records) for part, records in parts.items()}


def _schema(records: Sequence[Record], masks: bool) -> pa.Schema:
    columns: dict[str, tuple[pa.DataType, dict[str, object]]] = {
        "image": (_PICTURE, {"_type": "Image"}),
        "mask": (_PICTURE, {"_type": "Image"}),
        "pid": (pa.int64(), _value("int64")),
        "camid": (pa.int64(), _value("int64")),
        "occluded": (pa.bool_(), _value("bool")),
        "occluder_kind": (pa.string(), _value("string")),
        "visibility": (pa.list_(pa.float32()), {"feature": _value("float32"), "_type": "List"}),
    }
    told = {"image", "pid", "camid"} | {
        name for name in columns for record in records if getattr(record, name, None) is not None
    }
    if not masks:
        told.discard("mask")
    kept = {name: column for name, column in columns.items() if name in told}
    features = json.dumps({"info": {"features": {name: feature for name, (_, feature) in kept.items()}}})
    return pa.schema([(name, kind) for name, (kind, _) in kept.items()], {"huggingface": features})


def _value(dtype: str) -> dict[str, object]:
    return {"dtype": dtype, "_type": "Value"}


def _row(record: Record, schema: pa.Schema) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(record, name) for name in schema.names if name not in ("image", "mask")}
    pictures = {"image": record.path, "mask": record.mask}
    plain.update((name, _picture(path)) for name, path in pictures.items() if name in schema.names)
    return plain


def _picture(path: Path | None) -> dict[str, object] | None:
    return None if path is None else {"bytes": read_bytes(path), "path": path.name}
