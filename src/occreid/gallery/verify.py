"""Whether what a gallery holds is sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occreid.gallery.errors import StorageError
from occreid.gallery.manifest import Manifest
from occreid.gallery.rows import checksum, schema, search_vectors, to_descriptors, to_entries
from occreid.gallery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 20
_CLOSE = 1e-4


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `Gallery.verify` found: how many entries were read, and one sentence per problem."""

    entries: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def verify(store: Store) -> VerifyReport:
    """Read every row whole: ids that occur twice, NaN, vectors that are not their descriptor's, changed bytes."""
    import pyarrow as pa

    problems: list[str] = []
    seen: set[str] = set()
    rows = 0
    for block in store.scan(schema(store.manifest).names, rows=1024):
        table = pa.Table.from_batches([block])
        rows += len(table)
        for name in table.column("id").to_pylist():
            if name in seen:
                problems.append(f"the id {name} occurs twice")
            seen.add(name)
        problems.extend(row_problems(table, store.manifest))
    if rows != store.count():
        problems.append(f"{rows} entries can be read, {store.count()} are counted")
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return VerifyReport(rows, (*problems[:_SHOWN], *more))


def row_problems(table: pa.Table, manifest: Manifest) -> Iterator[str]:
    """What is wrong with whole rows, each taken for itself."""
    if not len(table):
        return
    described = to_descriptors(table, manifest)
    finite = described.finite().tolist()
    vectors = search_vectors(described, manifest).numpy()
    kept = table.column("vector").combine_chunks().flatten().to_numpy().reshape(vectors.shape)
    same = (abs(vectors - kept) <= _CLOSE).all(1)
    crcs = table.column("crc").to_pylist()
    for row, entry in enumerate(to_entries(table, manifest)):
        if not finite[row]:
            yield f"the descriptor of {entry.id} holds NaN or infinity, or is too long"
        elif checksum(entry) != crcs[row]:
            yield f"the descriptor or picture of {entry.id} is not what was added"
        elif not same[row]:
            yield f"the search vector of {entry.id} does not belong to its descriptor"


def probe(store: Store, rows: int) -> None:
    """See `Gallery.probe`."""
    for problem in row_problems(store.sample(rows), store.manifest):
        raise StorageError(f"in the gallery {store.where} {problem}.", "Run: occreid gallery verify")
