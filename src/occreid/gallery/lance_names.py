"""Galleries of earlier versions in a folder: persons and cameras were numbers there.

They are read as names without a change on disk; the first entry that is added gives the table its columns of names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occreid.files import write_file
from occreid.gallery.manifest import FORMAT, Manifest

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = {"person": "cast(pid as string)", "camera": "cast(camid as string)"}
"""What stands for the names where a table has numbers."""


def named_by_now(manifest: Manifest, table: Any) -> Manifest:
    """The manifest, of this format where some process has given the table its names since."""
    if manifest.numbered and NAMES.keys() <= set(table.schema.names):
        return replace(manifest, format=FORMAT)
    return manifest


def selected(columns: Sequence[str], manifest: Manifest) -> list[str] | dict[str, str]:
    """What to ask Lance for, to get these columns of `occreid.gallery.rows`."""
    if not manifest.numbered:
        return list(columns)
    return {name: NAMES.get(name, name) for name in columns}


def give_names(manifest: Manifest, table: Any, file: Path) -> Manifest:
    """Give a table of numbers its columns of names, in one commit, and write that into the manifest's file.

    The columns of numbers stay, for readers that have it open; new rows leave them empty. To be called by the one
    writer; of a table with names it does nothing.
    """
    if not named_by_now(manifest, table).numbered:
        return named_by_now(manifest, table)
    table.add_columns(NAMES)
    named = replace(manifest, format=FORMAT)
    write_file(file, named.to_json() + "\n")
    return named


def without_numbers(rows: pa.Table, table: Any) -> pa.Table:
    """Rows with names that are to take the place of others; the columns of numbers, where the table has kept them,
    become empty: they would keep what was changed.
    """
    import pyarrow as pa

    for name in ("pid", "camid"):
        if name in table.schema.names:
            field = table.schema.field(name)
            rows = rows.append_column(field, pa.nulls(len(rows), field.type))
    return rows
