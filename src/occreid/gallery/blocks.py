"""Rows as blocks of descriptors, the form an exhaustive search goes through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from occreid.distances import Prepared
from occreid.gallery.coded import Coded
from occreid.gallery.filters import Filter
from occreid.gallery.manifest import Manifest
from occreid.gallery.rows import ABOUT, to_descriptors, whole_column

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8192  # rows; their features stay in a processor's cache while they are compared


@dataclass(frozen=True, slots=True)
class Block:
    """N rows: what a `Hit` says of them (columns `ABOUT`), two of those to compute with, descriptors.

    Attributes:
        about: the columns `ABOUT`.
        cameras: N names of cameras.
        times: (N,) float64, NaN where it is not known.
        side: the descriptors.
    """

    about: pa.Table
    cameras: Coded
    times: Tensor
    side: Prepared

    def __len__(self) -> int:
        return len(self.about)

    def passing(self, filter: Filter) -> Tensor:
        """Which rows pass the filter, (N,) bool; ``exclude_own`` counts for the searching, not here."""
        from pyarrow.compute import equal, list_flatten, list_parent_indices  # pyright: ignore[reportAttributeAccessIssue]  # made at run time

        mask = torch.ones(len(self), dtype=torch.bool)
        if filter.camids is not None:
            mask &= self.cameras.among(filter.camids)
        if filter.pids is not None:
            mask &= Coded.of(self.about.column("person")).among(filter.pids)
        if filter.exclude_camid is not None:
            mask &= self.cameras.codes != self.cameras.code(filter.exclude_camid)
        if filter.start is not None:
            mask &= self.times >= filter.start
        if filter.end is not None:
            mask &= self.times < filter.end
        for tag in filter.tags:
            tags = self.about.column("tags").combine_chunks()
            rows = list_parent_indices(tags).filter(equal(list_flatten(tags), tag))
            mask &= torch.from_numpy(np.isin(np.arange(len(self)), rows.to_numpy()))
        return mask

    def where(self, mask: Tensor) -> Block:
        """The rows where ``mask`` (N,) bool is True; without a copy where all are."""
        import pyarrow as pa

        if mask.all():
            return self
        rows = mask.nonzero().flatten()
        return Block(self.about.take(pa.array(rows.numpy())), self.cameras[rows], self.times[rows], self.side[rows])


def block_columns(manifest: Manifest) -> list[str]:
    """The columns a block is made of."""
    return [*ABOUT, whole_column(manifest)]


def to_block(rows: pa.RecordBatch | pa.Table, manifest: Manifest) -> Block:
    """Rows with the columns of `block_columns` as a block."""
    import pyarrow as pa

    table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
    times = table.column("time").fill_null(math.nan).to_numpy().copy()
    side = Prepared(to_descriptors(table, manifest), manifest.metric)
    return Block(table.select(ABOUT), Coded.of(table.column("camera")), torch.from_numpy(times), side)
