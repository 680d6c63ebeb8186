"""A column of names as numbers, so that rows can be chosen by tensors.

Letters: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import pyarrow as pa

_NOBODYS = -2  # the code of a name that no row has


@dataclass(frozen=True, slots=True)
class Coded:
    """Names of N rows.

    Attributes:
        names: each name once.
        codes: (N,) int64, which of ``names``; −1 where it is not known.
    """

    names: tuple[str, ...]
    codes: Tensor

    @staticmethod
    def of(column: pa.ChunkedArray | pa.Array) -> Coded:
        """A column of text as names and codes."""
        import pyarrow as pa

        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = whole.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return Coded(tuple(coded.dictionary.to_pylist()), torch.from_numpy(codes.astype("int64")))

    def __getitem__(self, rows: Tensor) -> Coded:
        """The names of some rows."""
        return Coded(self.names, self.codes[rows])

    def code(self, name: str | None) -> int:
        """The code of a name; one that equals nothing where no row has it, or it is None."""
        return self.names.index(name) if name in self.names else _NOBODYS

    def among(self, names: Sequence[str]) -> Tensor:
        """Which rows have one of these names, (N,) bool."""
        return torch.isin(self.codes, torch.tensor([self.code(name) for name in names], dtype=torch.int64))
