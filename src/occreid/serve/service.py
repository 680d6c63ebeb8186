"""What the service does, without the web: pictures and filters in, answers out, every one of them in the audit log.

The methods block; the web layer calls them from worker threads.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from occreid import __version__
from occreid.distances import paired_distances
from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Gallery
from occreid.gallery.checks import name_or_none
from occreid.gallery.enrolment import add_unknown
from occreid.gallery.entries import number_or_name
from occreid.gallery.filters import check_deletion
from occreid.methods import Method
from occreid.names import checked_tags
from occreid.retrieval.calibration import Calibration
from occreid.serve import schemas
from occreid.serve.answers import compared, entry_out, filter_facts, hit_out, maps_in_words, presumptions
from occreid.serve.audit import AuditLog
from occreid.serve.batching import Batcher, result_of
from occreid.serve.caller import Caller
from occreid.serve.computing import Computing
from occreid.serve.describing import Crop, Describer
from occreid.serve.engine import Engine
from occreid.serve.metrics import Metrics
from occreid.serve.pictures import data_address
from occreid.serve.proposing import Proposer
from occreid.serve.reading import EntryNotFound, Reader
from occreid.serve.refusals import Refusals
from occreid.serve.removal import Removal
from occreid.serve.settings import Settings

_ROOM = 32 * 2**20  # bytes free below which the service says it is failing


@dataclass(frozen=True, slots=True)
class _Enrolment:
    """A picture on its way into the gallery."""

    crop: Crop
    camid: str | None
    timestamp: float | None
    pid: str | None
    tags: tuple[str, ...]


class Service:
    """The model, the gallery and what guards them.

    Args:
        engine: the model.
        gallery: made by the same weights.
        audit: where every action is written down.
        settings: limits.
        calibration: turns distances into probabilities; None: no probability is given.
    """

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        audit: AuditLog,
        settings: Settings | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.engine = engine
        self.gallery = gallery
        self.audit = audit
        self.refusals = Refusals(audit)
        self.settings = settings or Settings()
        self.calibration = calibration
        self.metrics = Metrics(lambda: len(gallery), lambda: len(self._describer))
        self._computing = Computing(self.settings.compute_threads, self.settings.request_seconds)
        self._describer = Describer(engine, self.settings, self.metrics.batch)
        self.reader = Reader(gallery, self._describer, audit, self.settings)
        # enrolments that arrive together are one commit: a commit costs far more than a row
        self._enrolments: Batcher[_Enrolment, bool] = Batcher(
            self._enrol, max_batch=self.settings.max_batch, observe=self.metrics.batch
        )
        self.proposer: Proposer | None = None  # set by whoever has a detector
        self.removal = Removal(gallery, audit, self.metrics, self.settings.retention_days)

    def close(self) -> None:
        """Finish what is queued and let go of the files."""
        self._describer.close()
        self._enrolments.close()
        self._computing.close()
        if self.proposer is not None:
            self.proposer.close()
        self.refusals.flush()
        self.audit.close()

    def about(self, caller: Caller) -> schemas.About:
        """What this service is."""
        stats, model = self.gallery.stats(caller.scope.narrowed(None)), self.engine.model
        return schemas.About(
            version=__version__,
            model=self.engine.called,
            method=self.engine.name,
            weights_sha256=self.engine.weights_hash,
            metric=model.metric,
            parts=self.engine.shape[0],
            dimensions=self.engine.shape[1],
            input_height=model.input_size[0],
            input_width=model.input_size[1],
            entries=stats.entries,
            cameras=list(stats.cameras),
            earliest=stats.earliest,
            latest=stats.latest,
            calibrated=self.calibration is not None,
            calibration=None if self.calibration is None else presumptions(self.calibration),
            prior=None if self.calibration is None else self.calibration.prior,
            keeps_pictures=self.settings.keep_pictures,
            proposes_boxes=self.proposer is not None,
            retention_days=self.settings.retention_days,
            key=caller.key.name,
            roles=list(caller.key.roles),
            scope_camids=None if caller.scope.camids is None else list(caller.scope.camids),
            scope_tags=list(caller.scope.tags),
            max_body=self.settings.max_body,
            max_pixels=self.settings.max_pixels,
            max_k=self.settings.max_k,
        )

    def embed(self, caller: Caller, data: bytes, box: str | None) -> schemas.Embedding:
        """The descriptor of a picture."""
        crop = self._describer.crop(data, box)
        (found,) = self._describer.describe(crop)
        self.audit.write("embed", **caller.facts(), picture_sha256=crop.sha256, box=box)
        return schemas.Embedding(
            features=found.features[0].tolist(),
            visibility=found.visibility[0].tolist(),
            weights_sha256=self.engine.weights_hash,
        )

    def propose(self, caller: Caller, data: bytes) -> schemas.Proposed:
        """The persons in a scene, as the detector sees them."""
        if self.proposer is None:
            raise UserError("this service has no detector.", "Whoever runs it can give one: occreid serve --detector")
        found = self.proposer(caller.key.id, lambda: self._describer.scene(data))
        self.audit.write("boxes", **caller.facts(), picture_sha256=hashlib.sha256(data).hexdigest())
        return found

    def enrol(
        self,
        caller: Caller,
        data: bytes,
        box: str | None,
        *,
        camid: str | None = None,
        timestamp: float | None = None,
        pid: str | None = None,
        tags: Sequence[str] = (),
    ) -> schemas.Enrolled:
        """Take a picture into the gallery; the same crop with the same camera and time is the same entry."""
        camid, pid, tags = name_or_none("camera", camid), name_or_none("person", pid), checked_tags(tags)
        caller.scope.check(camid, tags)
        # a scope's tags count, so that a key cannot learn from "known already" what lies out of its reach
        crop = self._describer.crop(data, box, number_or_name(camid), timestamp, *caller.scope.tags)
        facts = {**caller.facts(), "id": crop.id, "camid": camid, "timestamp": timestamp, "pid": pid}
        self.audit.write("enrol", **facts)  # first: what cannot be written down is not done
        added = result_of(self._enrolments.submit(_Enrolment(crop, camid, timestamp, pid, tags)))
        return schemas.Enrolled(id=crop.id, added=added)

    def search(
        self,
        caller: Caller,
        data: bytes,
        box: str | None,
        *,
        k: int = 10,
        filter: Filter | None = None,
        exact: bool = True,
        pictures: bool = False,
    ) -> schemas.Found:
        """The nearest entries to a picture; nothing is answered before the audit log has it."""
        if not 1 <= k <= self.settings.max_k:
            raise UserError(f"k is {k}.", f"Ask for 1 to {self.settings.max_k} answers.")
        filter = caller.scope.narrowed(filter)
        crop = self._describer.crop(data, box)
        (query,) = self._describer.describe(crop)
        # never refined: a calibration is of plain distances
        hits = self._computing(lambda: self.gallery.search(query, k, filter, exact)[0])
        search_id = secrets.token_hex(8)
        self.audit.write(
            "search",
            **caller.facts(),
            search=search_id,
            picture_sha256=crop.sha256,
            box=box,
            k=k,
            filter=filter_facts(filter),
            answers=[hit.id for hit in hits],
        )
        kept = self.reader.pictures([hit.id for hit in hits]) if pictures else {}
        return schemas.Found(
            search_id=search_id,
            visibility=query.visibility[0].tolist(),
            hits=[
                hit_out(rank, hit, self._probability(hit.distance), kept.get(hit.id))
                for rank, hit in enumerate(hits, 1)
            ],
        )

    def compare(
        self, caller: Caller, first: bytes, second: bytes, boxes: tuple[str | None, str | None] = (None, None)
    ) -> schemas.Compared:
        """How alike two pictures are, and how probably they show one person if the service is calibrated."""
        crops = [self._describer.crop(data, box) for data, box in zip((first, second), boxes, strict=True)]
        one, other = self._describer.describe(*crops)
        row, metric = torch.zeros(1, dtype=torch.int64), self.engine.model.metric
        distance = self._computing(lambda: float(paired_distances(one, other, metric, row, row)[0]))
        self.audit.write("compare", **caller.facts(), picture_sha256=[crop.sha256 for crop in crops])
        return compared(distance, metric, self.calibration, (one.visibility[0].tolist(), other.visibility[0].tolist()))

    def explain(self, caller: Caller, data: bytes | None, box: str | None, entry_id: str | None) -> schemas.Explained:
        """Where the method looked in a picture, or in the picture of an entry."""
        if (data is None) == (entry_id is None):
            raise UserError("explain needs a picture or an id.", "Send one of the two.")
        if data is None:
            assert entry_id is not None
            data, box = self.reader.picture(caller, entry_id), None
        crop = self._describer.crop(data, box)
        maps = self.engine.explain(crop.prepared)
        (found,) = self._describer.describe(crop)
        self.audit.write("explain", **caller.facts(), id=entry_id, picture_sha256=crop.sha256)
        shown = [
            schemas.Shown(name=name, overlay=data_address(self._describer.overlay(crop, heat), "png"))
            for name, heat in maps.items()
        ]
        message = maps_in_words(self.engine.name, [*maps])
        return schemas.Explained(maps=shown, visibility=found.visibility[0].tolist(), message=message)

    def entry(self, caller: Caller, entry_id: str) -> schemas.EntryOut:
        """What the gallery knows of an entry."""
        return entry_out(self.reader.entry(caller, entry_id))

    def picture(self, caller: Caller, entry_id: str) -> bytes:
        """The kept JPEG of an entry."""
        data = self.reader.picture(caller, entry_id)
        self.audit.write("picture", **caller.facts(), id=entry_id)
        return data

    def delete(
        self,
        caller: Caller,
        *,
        ids: Sequence[str] | None = None,
        before: float | None = None,
        filter: Filter | None = None,
    ) -> schemas.Deleted:
        """Delete entries within the key's reach for good: their bytes are rewritten away before this returns."""
        check_deletion(ids, before, filter)
        filter = caller.scope.narrowed(filter)
        self.audit.write("delete", **caller.facts(), ids=ids, before=before, filter=filter_facts(filter))  # first
        return self.removal.remove("request", ids=ids, before=before, filter=filter)

    def mark(self, caller: Caller, mark: schemas.Mark) -> None:
        """Write a person's verdict on an answer down.

        Raises:
            EntryNotFound: there was no such search of this key's lately: whether there was another's is not told.
        """
        if not self.audit.holds("search", search=mark.search_id, key=caller.key.id):
            raise EntryNotFound(f"this key made no search '{mark.search_id}' lately.", "Search again.")
        self.audit.write("mark", **caller.facts(), search=mark.search_id, id=mark.id, verdict=mark.verdict)

    def check_room(self) -> None:
        """Nothing, if there is room for some more lines and entries.

        Raises:
            UserError: the disk is nearly full.
        """
        for place in (self.audit.path.parent, Path(self.gallery.where)):
            if place.is_dir() and shutil.disk_usage(place).free < _ROOM:  # a gallery may lie on a server
                raise UserError(f"the disk of {place} is nearly full.", "Make room.")

    def warnings(self) -> list[str]:
        """What whoever starts the service should know."""
        found = []
        if type(self.engine.model).refine is not Method.refine:
            found.append(f"{self.engine.name} refines descriptors by the whole gallery; the service ranks without it.")
        if self.calibration is None:
            found.append("no calibration file: no probability will be given.")
        return found

    def _enrol(self, enrolments: list[_Enrolment]) -> Sequence[bool]:
        """Describe and add in one commit; for each, whether it was new."""

        def describe(rows: list[int]) -> list[Entry]:
            chosen = [enrolments[row] for row in rows]
            described = self.engine.describe([one.crop.prepared for one in chosen])
            return [
                Entry(
                    found.features[0],
                    found.visibility[0],
                    id=one.crop.id,
                    pid=one.pid,
                    camid=one.camid,
                    timestamp=one.timestamp,
                    tags=one.tags,
                    picture=self._to_keep(one.crop),
                )
                for one, found in zip(chosen, described, strict=True)
            ]

        return add_unknown(self.gallery, [one.crop.id for one in enrolments], describe)

    def _to_keep(self, crop: Crop) -> bytes | None:
        return self._describer.jpeg(crop) if self.settings.keep_pictures else None

    def _probability(self, distance: float) -> float | None:
        return None if self.calibration is None else self.calibration.probability(distance)
