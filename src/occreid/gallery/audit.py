"""What a gallery holds, and whether it is sound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from occreid.gallery.manifest import Manifest
from occreid.gallery.rows import checksum, schema, search_vectors, to_descriptors, to_entries
from occreid.gallery.store import Store

_SHOWN = 20
_CLOSE = 1e-4


@dataclass(frozen=True, slots=True)
class GalleryStats:
    """What a gallery holds.

    Attributes:
        entries: pictures.
        persons: distinct known person ids.
        cameras: entries of each known camera, by camera.
        earliest, latest: of the known times, Unix seconds; None where no time is known.
        tags: entries of each tag, by tag.
        bytes_on_disk: of all files, deleted entries included until `Gallery.compact`; None on a server.
        index: what index there is, and how many entries wait for it; None: there is none.
        manifest: shape, metric and weights.
    """

    entries: int
    persons: int
    cameras: dict[int, int]
    earliest: float | None
    latest: float | None
    tags: dict[str, int]
    bytes_on_disk: int | None
    index: dict[str, Any] | None
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `Gallery.verify` found: how many entries were read, and one sentence per problem."""

    entries: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def stats(store: Store) -> GalleryStats:
    """Count what is there; reads the small columns of every row."""
    entries = 0
    persons: set[int] = set()
    cameras: Counter[int] = Counter()
    tags: Counter[str] = Counter()
    times: list[float] = []
    for block in store.scan(["pid", "camid", "time", "tags"]):
        entries += len(block)
        persons.update(pid for pid in block.column("pid").to_pylist() if pid is not None)
        cameras.update(camid for camid in block.column("camid").to_pylist() if camid is not None)
        tags.update(tag for row in block.column("tags").to_pylist() for tag in row)
        known = [moment for moment in block.column("time").to_pylist() if moment is not None]
        times = [min([*times, *known]), max([*times, *known])] if known else times
    return GalleryStats(
        entries=entries,
        persons=len(persons),
        cameras=dict(sorted(cameras.items())),
        earliest=times[0] if times else None,
        latest=times[1] if times else None,
        tags=dict(sorted(tags.items())),
        bytes_on_disk=store.size(),
        index=store.index(),
        manifest=store.manifest,
    )


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
        finite = described.features.flatten(1).isfinite().all(1).tolist()
        vectors = search_vectors(described, store.manifest).numpy()
        kept = table.column("vector").combine_chunks().flatten().to_numpy().reshape(vectors.shape)
        same = (abs(vectors - kept) <= _CLOSE).all(1)
        crcs = table.column("crc").to_pylist()
        for row, entry in enumerate(to_entries(table, store.manifest)):
            if names[row] in seen:
                problems.append(f"the id {names[row]} occurs twice")
            seen.add(names[row])
            if not finite[row]:
                problems.append(f"the descriptor of {names[row]} holds NaN or infinity")
            elif checksum(entry) != crcs[row]:
                problems.append(f"the descriptor or picture of {names[row]} is not what was added")
            elif not same[row]:
                problems.append(f"the search vector of {names[row]} does not belong to its descriptor")
    if rows != store.count():
        problems.append(f"{rows} entries can be read, {store.count()} are counted")
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return VerifyReport(rows, (*problems[:_SHOWN], *more))
