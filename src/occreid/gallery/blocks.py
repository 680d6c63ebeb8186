"""Rows as blocks of descriptors, the form an exhaustive search goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from occreid.distances import Prepared
from occreid.gallery.manifest import Manifest
from occreid.gallery.rows import ABOUT, to_descriptors, whole_column

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8192  # rows; their features stay in a processor's cache while they are compared
NO_CAMERA = -(2**63)  # no entry can have this camera (`Entry`)


@dataclass(frozen=True, slots=True)
class Block:
    """N rows: what a `Hit` says of them (columns `ABOUT`), camids (N,) int64 with `NO_CAMERA`, descriptors."""

    about: pa.Table
    camids: Tensor
    side: Prepared

    def __len__(self) -> int:
        return len(self.about)

    def where(self, mask: Tensor) -> Block:
        """The rows where ``mask`` (N,) bool is True; without a copy where all are."""
        import pyarrow as pa

        if mask.all():
            return self
        return Block(self.about.filter(pa.array(mask.numpy())), self.camids[mask], self.side[mask])


def block_columns(manifest: Manifest) -> list[str]:
    """The columns a block is made of."""
    return [*ABOUT, whole_column(manifest)]


def to_block(rows: pa.RecordBatch | pa.Table, manifest: Manifest) -> Block:
    """Rows with the columns of `block_columns` as a block."""
    import pyarrow as pa

    table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
    camids = table.column("camid").fill_null(NO_CAMERA).to_numpy().copy()
    return Block(
        table.select(ABOUT), torch.from_numpy(camids), Prepared(to_descriptors(table, manifest), manifest.metric)
    )
