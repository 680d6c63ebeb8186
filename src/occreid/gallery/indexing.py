"""Which index of approximate search suits a gallery."""

from __future__ import annotations

from occreid.errors import UserError, did_you_mean
from occreid.gallery.store import Store

_KINDS = ("IVF_PQ", "IVF_FLAT")
_FEWEST = 256  # a codebook of IVF-PQ has as many words
_PARTITION = 4096  # entries of one partition: training costs their number squared


def build_index(store: Store, kind: str, partitions: int | None, sub_vectors: int | None) -> None:
    """See `Gallery.build_index`."""
    entries, width = store.count(), store.manifest.width
    if kind not in _KINDS:
        raise UserError(f"there is no index '{kind}'.", did_you_mean(kind, _KINDS))
    if entries < _FEWEST:
        raise UserError(f"{entries} entries are too few for an index.", f"It pays beyond {_FEWEST} at the least.")
    sub_vectors = sub_vectors or next(n for n in range(max(1, width // 16), 0, -1) if width % n == 0)
    if width % sub_vectors:
        raise UserError(f"{sub_vectors} sub-vectors do not divide {width} dimensions.", "Choose a divisor.")
    store.build_index(kind, partitions or max(1, entries // _PARTITION), sub_vectors)
