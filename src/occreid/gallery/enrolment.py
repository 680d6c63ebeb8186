"""Filling a gallery: pictures it knows are left alone, the others described and added, batch by batch.

Every batch is committed whole, so that an interrupted enrolment goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from occreid.data.images import decode_image, read_bytes
from occreid.descriptors import Descriptors
from occreid.extraction import extract
from occreid.gallery.entries import Entry, entries, picture_id
from occreid.gallery.kept import kept_picture
from occreid.gallery.manifest import Manifest
from occreid.models.contract import Method
from occreid.records import Record
from occreid.timestamps import check_timestamp


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding did: entries ``added``, and entries left alone because their id was ``known``."""

    added: int
    known: int

    @property
    def done(self) -> int:
        """All that were looked at."""
        return self.added + self.known

    def __add__(self, other: AddReport) -> AddReport:
        return AddReport(self.added + other.added, self.known + other.known)


class Enrols(Protocol):
    """What enrolment asks of a `Gallery`."""

    @property
    def manifest(self) -> Manifest:
        """How its descriptors are made."""
        ...

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that it holds."""
        ...

    def add(self, entries: Sequence[Entry]) -> AddReport:
        """Add what it does not hold yet, in one commit."""
        ...


OnBatch = Callable[[AddReport, int], object]
"""Called after each batch with what has been done so far, and how many pictures there are in all."""


def add_unknown(
    gallery: Enrols, ids: Sequence[str], describe: Callable[[list[int]], Iterable[Entry]]
) -> tuple[bool, ...]:
    """Describe and add, in one commit, only what the gallery does not know.

    Args:
        gallery: where to.
        ids: N ids of the pictures at hand; one may occur twice.
        describe: entries of some of their rows.

    Returns:
        For each of the N, whether it was added now.
    """
    known = gallery.known(ids)
    new: list[bool] = []
    for name in ids:
        new.append(name not in known)
        known.add(name)
    rows = [row for row, is_new in enumerate(new) if is_new]
    if rows:
        gallery.add([*describe(rows)])
    return tuple(new)


def enrol(
    gallery: Enrols,
    records: Sequence[Record],
    model: Method,
    *,
    start: float | None,
    tags: Sequence[str],
    keep_pictures: bool,
    batch: int,
    on_batch: OnBatch,
    extraction: Mapping[str, Any],
) -> AddReport:
    """See `Gallery.enrol`."""
    start = None if start is None else check_timestamp(start, "start")
    total = AddReport(0, 0)
    for first in range(0, len(records), batch):
        some = records[first : first + batch]
        contents = [read_bytes(record.path) for record in some]
        ids = [picture_id(content) for content in contents]

        def describe(
            rows: list[int], some: Sequence[Record] = some, contents: list[bytes] = contents, ids: list[str] = ids
        ) -> Iterable[Entry]:
            chosen = [some[row] for row in rows]
            return entries(
                extract(model, chosen, flip_test=gallery.manifest.flip_test, **extraction),
                ids=[ids[row] for row in rows],
                timestamps=[_timestamp(record, start) for record in chosen],
                tags=tags,
                own_tags=[record.tags for record in chosen],
                pictures=[_kept(contents[row], some[row].path) for row in rows] if keep_pictures else None,
            )

        new = add_unknown(gallery, ids, describe)
        total += AddReport(sum(new), len(new) - sum(new))
        on_batch(total, len(records))
    return total


def enrol_descriptors(
    gallery: Enrols,
    described: Descriptors,
    *,
    batch: int,
    on_batch: OnBatch,
    tags: Sequence[str] = (),
    keep_pictures: bool = False,
) -> AddReport:
    """See `Gallery.enrol_descriptors`."""
    total = AddReport(0, 0)
    for first in range(0, len(described), batch):
        some = described[first : first + batch]
        files = [Path(path) for path in some.paths or ()]
        contents = [read_bytes(file) if file.is_file() else None for file in files]
        ids = ["" if content is None else picture_id(content) for content in contents] or None
        pictures = [content and _kept(content, file) for content, file in zip(contents, files, strict=True)]
        kept = pictures if keep_pictures and pictures else None
        total += gallery.add([*entries(some, ids=ids, tags=tags, pictures=kept)])
        on_batch(total, len(described))
    return total


def _timestamp(record: Record, start: float | None) -> float | None:
    """When a record was taken: its timestamp, else its seconds since a start that only the caller knows."""
    if record.timestamp is not None:
        return check_timestamp(record.timestamp)
    return None if start is None else check_timestamp(start + (record.time or 0.0))


def _kept(content: bytes, path: Path) -> bytes:
    return kept_picture(decode_image(content, path))
