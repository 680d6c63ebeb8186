"""Whether what a gallery holds is sound."""

from __future__ import annotations

from dataclasses import dataclass

from occreid.gallery.rows import checksum, schema, search_vectors, to_descriptors, to_entries
from occreid.gallery.store import Store

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
        names = table.column("id").to_pylist()
        described = to_descriptors(table, store.manifest)
        finite = described.finite().tolist()
        vectors = search_vectors(described, store.manifest).numpy()
        kept = table.column("vector").combine_chunks().flatten().to_numpy().reshape(vectors.shape)
        same = (abs(vectors - kept) <= _CLOSE).all(1)
        crcs = table.column("crc").to_pylist()
        for row, entry in enumerate(to_entries(table, store.manifest)):
            if names[row] in seen:
                problems.append(f"the id {names[row]} occurs twice")
            seen.add(names[row])
            if not finite[row]:
                problems.append(f"the descriptor of {names[row]} holds NaN or infinity, or is too long")
            elif checksum(entry) != crcs[row]:
                problems.append(f"the descriptor or picture of {names[row]} is not what was added")
            elif not same[row]:
                problems.append(f"the search vector of {names[row]} does not belong to its descriptor")
    if rows != store.count():
        problems.append(f"{rows} entries can be read, {store.count()} are counted")
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return VerifyReport(rows, (*problems[:_SHOWN], *more))
