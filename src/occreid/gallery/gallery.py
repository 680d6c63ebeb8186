"""`Gallery`: described persons on disk or in a cluster, searched by picture, camera and time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery.entries import Entry, Filter, Hit, checked_ids, score
from occreid.gallery.finding import search_all, search_candidates
from occreid.gallery.manifest import Manifest
from occreid.gallery.places import create_store, open_store
from occreid.gallery.rows import ABOUT, to_entries, to_hits, to_table
from occreid.gallery.store import Store


@dataclass(frozen=True, slots=True)
class AddReport:
    """What `Gallery.add` did: entries ``added``, and entries left alone because their id was ``known``."""

    added: int
    known: int


@dataclass(frozen=True, slots=True)
class GalleryStats:
    """What a gallery holds.

    Attributes:
        entries: pictures.
        persons: distinct known person ids.
        cameras: entries of each known camera.
        earliest, latest: of the known times, Unix seconds; None where no time is known.
        pictures: entries that keep their picture.
        bytes_on_disk: of all files, deleted rows included until `Gallery.compact`; None on a server.
        index: what approximate index there is, and how many rows wait for it.
        dim, parts, metric, weights_hash, model_name: as given to `Gallery.create`.
    """

    entries: int
    persons: int
    cameras: dict[int, int]
    earliest: float | None
    latest: float | None
    pictures: int
    bytes_on_disk: int | None
    index: dict[str, Any] | None
    dim: int
    parts: int
    metric: str
    weights_hash: str
    model_name: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `Gallery.verify` found: rows read, and one sentence per problem."""

    entries: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


class Gallery:
    """Described pictures of persons that can be searched; made by `create` or `open`.

    Safe to use from several threads. Several processes may open one gallery: in a folder writers take turns and
    every reader sees what was committed before its call.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def create(
        cls,
        uri: str,
        *,
        dim: int,
        parts: int = 1,
        metric: str,
        weights_hash: str,
        model_name: str = "",
        token: str | None = None,
    ) -> Gallery:
        """Make an empty gallery.

        Args:
            uri: a folder (LanceDB), ``something.db`` (Milvus in this process) or ``http://host:19530/name`` (a Milvus
                server; ``name`` is the collection, "occreid" if left out).
            dim: dimensions D of a part's feature.
            parts: parts P of an image.
            metric: the method's, one of `occreid.distances.METRICS`.
            weights_hash: SHA-256 of the weights, the ``sha256`` of the model's card.
            model_name: the method's name, for people.
            token: ``user:password`` or API key of a Milvus server.

        Raises:
            UserError: something is there already, the place cannot be written, or a value cannot be.
        """
        return cls(create_store(str(uri), Manifest(dim, parts, metric, weights_hash, model_name), token))

    @classmethod
    def open(cls, uri: str, *, weights_hash: str | None = None, token: str | None = None) -> Gallery:
        """Open a gallery.

        Args:
            uri: as `create`.
            weights_hash: the weights that describe the queries; left out, nothing is checked.
            token: as `create`.

        Raises:
            UserError: there is no gallery, or other weights made it.
        """
        store = open_store(str(uri), token)
        store.manifest.require_weights(weights_hash, store.where)
        return cls(store)

    @property
    def manifest(self) -> Manifest:
        """Shape, metric and weights."""
        return self._store.manifest

    def add(self, entries: Sequence[Entry]) -> AddReport:
        """Add entries in one commit: when this returns they are all there, if it fails none is.

        An entry whose id is in the gallery (or earlier in the same batch) is left out, so adding twice is harmless.

        Raises:
            UserError: an entry of another shape or with NaN (nothing is added), or the place refuses to write.
        """
        entries = list(entries)
        if not entries:
            return AddReport(0, 0)
        unique = {entry.id: entry for entry in reversed(entries)}
        rows = to_table([*reversed(unique.values())], self.manifest, added=time.time())
        added = self._store.insert(rows)
        return AddReport(added, len(entries) - added)

    def search(
        self,
        query: Descriptors,
        k: int = 10,
        filter: Filter | None = None,
        exact: bool = True,
        *,
        candidates: int | None = None,
    ) -> list[list[Hit]]:
        """The k nearest entries of each query, nearest first; equal distances by id.

        Distances are those of `occreid.distances` in either way. An entry that shares no visible part with the
        query is never an answer.

        Args:
            query: Q descriptors of the gallery's weights.
            k: answers per query, at least 1; fewer come back where fewer pass the filter.
            filter: which entries count.
            exact: compare with every entry; else only with candidates: of a part-based method those whose aggregate
                is near (`occreid.gallery.aggregate`), of any method those the index proposes, if one was built.
            candidates: how many those are, by default 20 k and at least 200.

        Returns:
            Q lists of at most k hits.

        Raises:
            UserError: k below 1, or descriptors of another shape.
        """
        if k < 1:
            raise UserError(f"cannot return {k} entries.", "Ask for at least 1.")
        shape = (self.manifest.parts, self.manifest.dim)
        if query.features.shape[1:] != shape:
            raise UserError(
                f"the query is {tuple(query.features.shape[1:])} (parts, dimensions), the gallery {shape}.",
                "Describe the query with the model that made the gallery.",
            )
        query = query.to("cpu").require_finite()
        if exact:
            found = search_all(self._store, query, k, filter)
        else:
            found = search_candidates(self._store, query, k, filter, max(k, candidates or max(200, 20 * k)))
        return self._hits(found)

    def _hits(self, found: list[list[tuple[str, float]]]) -> list[list[Hit]]:
        names = sorted({name for answers in found for name, _ in answers})
        if not names:
            return [[] for _ in found]
        about = to_hits(self._store.fetch(names, ABOUT))
        return [
            [
                replace(about[name], distance=distance, score=score(distance, self.manifest.metric))
                for name, distance in answers
                if name in about
            ]
            for answers in found
        ]

    def delete(
        self, *, ids: Sequence[str] | None = None, before: float | None = None, filter: Filter | None = None
    ) -> int:
        """Delete entries that fulfil all that is given; no search finds them from now on.

        Their bytes leave the disk with the next `compact`.

        Args:
            ids: these entries; unknown ids are no error.
            before: entries taken before this moment, Unix seconds; where the time is not known, entries that were
                added before it (retention).
            filter: entries that pass it.

        Returns:
            How many were deleted.

        Raises:
            UserError: nothing is given, which would delete everything.
        """
        if ids is None and before is None and filter in (None, Filter()):
            raise UserError("this would delete everything.", "Give ids, a time or a filter.")
        if filter is not None and filter.exclude_camera == "query":
            raise UserError("there is no query whose camera could be excluded.", "Give exclude_camera a number.")
        return self._store.delete(ids=None if ids is None else checked_ids(ids), before=before, narrow=filter)

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Whole entries, pictures included, in the order asked for; ids that are not there are left out."""
        found = {e.id: e for e in to_entries(self._store.fetch(checked_ids(ids)), self.manifest)}
        return [found[name] for name in ids if name in found]

    def __len__(self) -> int:
        return self._store.count()

    def stats(self) -> GalleryStats:
        """Count what is there (reads the small columns of every row)."""
        entries, pictures, persons, cameras = 0, 0, set(), Counter()
        times: list[float] = []
        return GalleryStats(
            entries, len(persons), dict(cameras), min(times, default=None), max(times, default=None), pictures,
            self._store.size(), self._store.index(), self.manifest.dim, self.manifest.parts, self.manifest.metric,
            self.manifest.weights_hash, self.manifest.model_name,
        )  # fmt: skip

    def verify(self) -> VerifyReport:
        """Read every row and look for repeated ids, NaN, damaged bytes."""
        return VerifyReport(len(self), ())

    def compact(self) -> None:
        """Rewrite files so that deleted entries are gone for good, and take new rows into the index."""
        self._store.compact()

    def build_index(self, **options: Any) -> None:
        """Build the approximate index (IVF-PQ) anew over all rows."""
        self._store.build_index(**options)
