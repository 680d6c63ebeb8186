"""What a gallery holds, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from occreid.errors import did_you_mean
from occreid.gallery.errors import read_whole
from occreid.gallery.filters import Filter
from occreid.gallery.manifest import Manifest
from occreid.gallery.store import Store
from occreid.names import name_order

_NAMED = 50  # names that are looked through for a near one


@dataclass(frozen=True, slots=True)
class GalleryStats:
    """What a gallery holds.

    Attributes:
        entries: pictures.
        persons: distinct known persons.
        cameras: entries of each known camera, by camera.
        earliest, latest: of the known times, Unix seconds; None where no time is known.
        tags: entries of each tag, by tag.
        bytes_on_disk: of all files, deleted entries included until `Gallery.compact`; None on a server.
        index: what index there is, and how many entries wait for it; None: there is none.
        manifest: shape, metric and weights.
    """

    entries: int
    persons: int
    cameras: dict[str, int]
    earliest: float | None
    latest: float | None
    tags: dict[str, int]
    bytes_on_disk: int | None
    index: dict[str, Any] | None
    manifest: Manifest

    def unknown(self, filter: Filter) -> list[str]:
        """Cameras and tags of a filter that no entry has, a sentence each: why nothing may have passed it."""
        asked = (("camera", filter.camids or (), self.cameras), ("tag", filter.tags, self.tags))
        return [
            f"no entry has the {kind} '{name}'. {did_you_mean(name, sorted(known, key=name_order)[:_NAMED])}".strip()
            for kind, names, known in asked
            for name in names
            if name not in known
        ]


def stats(store: Store, filter: Filter | None = None) -> GalleryStats:
    """Count what is there, or what of it passes a filter; reads the small columns of every such row."""
    return read_whole(lambda: _counted(store, filter))


def _counted(store: Store, filter: Filter | None) -> GalleryStats:
    entries = 0
    persons: set[str] = set()
    cameras: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    times: list[float] = []
    for block in store.scan(["person", "camera", "time", "tags"], filter):
        entries += len(block)
        persons.update(name for name in block.column("person").to_pylist() if name is not None)
        cameras.update(name for name in block.column("camera").to_pylist() if name is not None)
        tags.update(tag for row in block.column("tags").to_pylist() for tag in row)
        known = [moment for moment in block.column("time").to_pylist() if moment is not None]
        times = [min([*times, *known]), max([*times, *known])] if known else times
    return GalleryStats(
        entries=entries,
        persons=len(persons),
        cameras={camera: cameras[camera] for camera in sorted(cameras, key=name_order)},
        earliest=times[0] if times else None,
        latest=times[1] if times else None,
        tags=dict(sorted(tags.items())),
        bytes_on_disk=store.size(),
        index=store.index(),
        manifest=store.manifest,
    )


def latest_added(store: Store) -> float | None:
    """When the newest entry was added, Unix seconds; None of an empty gallery."""
    return max((max(block.column("added").to_pylist()) for block in store.scan(["added"]) if len(block)), default=None)
