"""`Gallery`: described persons on disk or in a cluster, searched by picture, camera and time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.gallery.checks import checked_ids, checked_time
from occreid.gallery.copies import snapshot
from occreid.gallery.describing import describer_of, files_and_entries
from occreid.gallery.enrolment import AddReport, OnBatch, enrol, enrol_descriptors
from occreid.gallery.entries import Entry
from occreid.gallery.filters import Filter, check_deletion
from occreid.gallery.hits import Hits
from occreid.gallery.indexing import build_index
from occreid.gallery.listing import Page, page
from occreid.gallery.manifest import Manifest
from occreid.gallery.recall import recall
from occreid.gallery.refining import CANDIDATES, refined, refines
from occreid.gallery.rows import to_entries, to_table
from occreid.gallery.searching import checked_query, search_rows
from occreid.gallery.stats import GalleryStats, latest_added, stats
from occreid.gallery.store import Store
from occreid.gallery.stores import create_store, open_store
from occreid.gallery.updating import Change, update
from occreid.gallery.verify import VerifyReport, probe, verify
from occreid.models.contract import Method
from occreid.models.pictures import Pictures
from occreid.records import Record

MEMORY = 4 * 2**30  # bytes of descriptors kept in memory by default


class Gallery:
    """Described pictures of persons that can be searched; made by `create` or `open`.

    Safe to use from several threads. Several processes may open one gallery: in a folder writers take turns and
    every reader sees what was committed before its call.
    """

    model: Method | None = None
    """What describes pictures given to `add` and `search`; the last one that was given there."""

    def __init__(self, store: Store) -> None:
        self._store, self.where = store, store.where

    @classmethod
    def create(
        cls,
        uri: str,
        *,
        dim: int,
        parts: int = 1,
        metric: Metric,
        weights_hash: str,
        model_name: str = "",
        token: str | None = None,
        memory: int = MEMORY,
    ) -> Gallery:
        """Make an empty gallery.

        Args:
            uri: a folder (LanceDB), ``something.db`` (Milvus in this process) or ``http://host:19530/name`` (a Milvus
                server; ``name`` is the collection, "occreid" if left out).
            dim: dimensions D of a part's feature.
            parts: parts P of an image.
            metric: the method's, one of `occreid.distances.METRICS`.
            weights_hash: SHA-256 of the weights, the ``sha256`` of the model's card.
            model_name: what the model is called, for people.
            token: ``user:password`` or API key of a Milvus server; left out, that of the variable `stores.TOKEN`.
            memory: bytes of descriptors kept in memory between exact searches; of a larger gallery none are.

        Raises:
            UserError: something is there already, the place cannot be written, or a value cannot be.
        """
        return cls(create_store(str(uri), Manifest(dim, parts, metric, weights_hash, model_name), token, memory))

    @classmethod
    def open(
        cls, uri: str, *, weights_hash: str | None = None, token: str | None = None, memory: int = MEMORY
    ) -> Gallery:
        """Open a gallery.

        Args:
            uri: as `create`.
            weights_hash: the weights that describe the queries; left out, nothing is checked.
            token: as `create`.
            memory: as `create`.

        Raises:
            UserError: there is no gallery, or other weights made it.
        """
        store = open_store(str(uri), token, memory)
        store.manifest.require_weights(weights_hash, store.where)
        return cls(store)

    @property
    def manifest(self) -> Manifest:
        """Shape, metric and weights."""
        return self._store.manifest

    def add(
        self, entries: Entry | str | Path | Sequence[Entry | str | Path], *, model: Method | str | Path | None = None
    ) -> AddReport:
        """Add entries in one commit: when this returns they are all there, if it fails none is.

        An entry whose id is in the gallery (or earlier in the same batch) is left out, so adding twice is harmless.

        Args:
            entries: described pictures; or files, which the model describes first (`enrol` takes what else is known).
            model: the gallery's.

        Raises:
            UserError: another shape or NaN (nothing is added), files without a model or unreadable, no place to write.
        """
        files, described = files_and_entries(entries)
        report = self.enrol(files, self._describer(model)) if files else AddReport(0, 0)
        return report + self._add(described)

    def _add(self, entries: Sequence[Entry]) -> AddReport:
        if not entries:
            return AddReport(0, 0)
        unique = {entry.id: entry for entry in reversed(entries)}
        added = self._store.insert(to_table([*reversed(unique.values())], self.manifest, added=time.time()))
        return AddReport(added, len(entries) - added)

    def enrol(
        self,
        records: Sequence[Record],
        model: Method,
        *,
        start: float | None = None,
        tags: Sequence[str] = (),
        keep_pictures: bool = False,
        batch: int = 1024,
        on_batch: OnBatch = lambda report, total: None,
        **extraction: Any,
    ) -> AddReport:
        """Describe pictures and add them; those whose bytes are known are neither described nor added again.

        Interrupted, it goes on where it stopped when it is called again: every batch is committed whole.

        Args:
            records: N pictures; a pid or camid of −1 is not known.
            model: the gallery's.
            start: Unix seconds from which `Record.time` counts, of records without a timestamp. Left out, no time is
                kept of them: what a benchmark calls time starts anywhere, and a retention would take it for 1970.
            tags: tags of all, besides each record's own.
            keep_pictures: keep a JPEG of each, at most 256 pixels high and without metadata.
            batch: pictures of one commit.
            on_batch: called after each batch with the report so far and N.
            extraction: options of `occreid.extraction.extract`, e.g. ``device``.

        Raises:
            UserError: an unreadable picture (naming it), another model's shape, or the place refuses to write.
        """
        options = {"start": start, "tags": tags, "keep_pictures": keep_pictures, "batch": batch}
        return enrol(
            self, records, describer_of(model, self.manifest), on_batch=on_batch, extraction=extraction, **options
        )

    def enrol_descriptors(
        self, described: Descriptors, *, batch: int = 1024, on_batch: OnBatch = lambda report, total: None, **kept: Any
    ) -> AddReport:
        """Add descriptors that were extracted before; their pictures give them their ids where they can be read.

        Args:
            described: N images of the gallery's weights.
            batch: as `enrol`.
            on_batch: as `enrol`.
            kept: ``tags`` and ``keep_pictures`` of `enrol`.

        Raises:
            UserError: another shape, NaN, an unreadable picture, or the place refuses to write.
        """
        return enrol_descriptors(self, described, batch=batch, on_batch=on_batch, **kept)

    def search(
        self,
        query: Descriptors | Pictures,
        k: int = 10,
        filter: Filter | None = None,
        exact: bool = True,
        *,
        candidates: int | None = None,
        probes: int | None = None,
        model: Method | str | Path | None = None,
    ) -> list[Hits]:
        """The k nearest entries of each query, nearest first; equal distances by id.

        Distances are those of `occreid.distances` in either way. An entry that shares no visible part with the
        query is never an answer. Where the model refines (OR-GNN), the nearest `refining.CANDIDATES` are ranked anew.

        Args:
            query: Q descriptors of the gallery's weights; or pictures of any kind, which the model describes.
            k: answers per query, at least 1; fewer come back where fewer pass the filter.
            filter: which entries count.
            exact: compare with every entry; else only with candidates: of a part-based method those whose aggregate
                is near (`occreid.gallery.aggregate`), of any method those the index proposes, if one was built.
            candidates: how many those are, by default 20 k and at least 200.
            probes: partitions of the index that are looked at, by default half, at least 20 (in Milvus its choice).
            model: the gallery's, where it was not given before; it refines, if its method does.

        Returns:
            Q lists of at most k hits; each can be shown (`Hits.show`).

        Raises:
            UserError: k below 1, or descriptors of another shape.
        """
        described = isinstance(query, Descriptors)
        describer = self.model if described and model is None else self._describer(model)
        if not isinstance(query, Descriptors):
            query = self._describer(None).embed(query, flip_test=self.manifest.flip_test)
        query = checked_query(query, k, self.manifest)
        looks = describer is not None and refines(describer)
        nearest = max(k, CANDIDATES) if looks else k
        found = search_rows(self._store, query, nearest, filter, exact=exact, candidates=candidates, probes=probes)
        if describer is not None and looks:
            found = refined(describer, query, found, self.get, k)
        names = query.paths or [None] * len(found)
        return [Hits(hits, name, self.get) for hits, name in zip(found, names, strict=True)]

    def _describer(self, model: Method | str | Path | None) -> Method:
        self.model = describer_of(self.model if model is None else model, self.manifest)
        return self.model

    def delete(
        self, *, ids: Sequence[str] | None = None, before: float | None = None, filter: Filter | None = None
    ) -> int:
        """Delete entries that fulfil all that is given; their bytes leave the disk with the next `compact`.

        Args:
            ids: these entries; unknown ids are no error.
            before: entries taken before this moment, Unix seconds; of an unknown time, added before it (retention).
            filter: entries that pass it.

        Returns:
            How many were deleted.

        Raises:
            UserError: nothing is given, which would delete everything, or a time that is none.
        """
        check_deletion(ids, before, filter)
        before = None if before is None else checked_time(before, "time")
        return self._store.delete(ids=None if ids is None else checked_ids(ids), before=before, filter=filter)

    def update(self, changes: Mapping[str, Change] | Change, filter: Filter | None = None) -> int:
        """Change names, times or tags, by id or of all entries that pass a filter; how many there were.

        Raises:
            UserError: a change of nothing, or of everything.
        """
        return update(self._store, changes, filter)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids are there, so that nobody describes a picture twice (see `picture_id`)."""
        return set(self._store.fetch(checked_ids(ids), ["id"]).column("id").to_pylist())

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Whole entries, pictures included, in the order asked for; ids that are not there are left out."""
        found = {e.id: e for e in to_entries(self._store.fetch(checked_ids(ids)), self.manifest)}
        return [found[name] for name in ids if name in found]

    def close(self) -> None:
        """Let go of the place; of a file ``NAME.db`` another process can open it then."""
        self._store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._store.count()

    def stats(self, filter: Filter | None = None) -> GalleryStats:
        """Count what is there, or what of it passes a filter (reads the small columns of every such entry)."""
        return stats(self._store, filter)

    def page(self, after: str = "", limit: int = 100, filter: Filter | None = None) -> Page:
        """Entries in the order of their ids: at most ``limit``, at least 1, of those that come after an id."""
        return page(self._store, after, limit, filter)

    def verify(self) -> VerifyReport:
        """Read every entry and look for repeated ids, NaN and bytes that are not what was added."""
        return verify(self._store)

    def probe(self, rows: int = 64) -> None:
        """Read some entries drawn at random, of as many files as possible, and check them as `verify` does.

        Raises:
            StorageError: they cannot be read, or one is not sound.
        """
        probe(self._store, rows)

    def latest_added(self) -> float | None:
        """When the newest entry was added, Unix seconds; None of an empty gallery."""
        return latest_added(self._store)

    def compact(self) -> None:
        """Rewrite files so that deleted entries are gone for good, and take new entries into the index."""
        self._store.compact()

    def check_writable(self) -> None:
        """Write something and take it away; a `StorageError` where that is refused. Of a server: whether it answers."""
        self._store.check_writable()

    def keep_on_disk(self) -> None:
        """Flush every commit to the disk before its method returns; in Milvus a `UserError`: it decides for itself."""
        self._store.keep_on_disk()

    def snapshot(self, out: str | Path) -> dict[str, Any]:
        """Copy the gallery as it is at one moment into a new folder, for `restore`; see `occreid.gallery.copies`."""
        return snapshot(self._store, out)

    def unswept(self) -> bool:
        """Whether bytes of deleted entries may still be on disk; Milvus does not say: there it is False."""
        return self._store.unswept()

    def build_index(
        self, *, kind: str = "IVF_PQ", partitions: int | None = None, sub_vectors: int | None = None
    ) -> None:
        """Build the index of ``search(exact=False)`` anew; until then that search compares with every search vector.

        New entries are found without it until `compact` takes them in. What it finds: `recall`.

        Args:
            kind: ``"IVF_PQ"`` (compressed vectors) or ``"IVF_FLAT"`` (whole vectors, more memory, finds more).
            partitions: groups of entries, of which a search looks at some; by default one for 4,096 entries.
            sub_vectors: pieces of a compressed vector, one byte each; must divide its length; by default a sixteenth.

        Raises:
            UserError: fewer than 256 entries, or numbers that do not fit.
        """
        build_index(self._store, kind, partitions, sub_vectors)

    def recall(self, k: int = 10, *, queries: int = 100, seed: int = 0, **approximate: int | None) -> float:
        """Share of the k truly nearest that ``search(exact=False, **approximate)`` finds, over entries drawn as
        queries; each query leaves itself out of the count.

        Raises:
            UserError: the gallery is empty.
        """
        return recall(self.search, self._store, k, queries, seed, **approximate)
