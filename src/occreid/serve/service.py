"""What the service does, without the web: pictures and filters in, answers out, every one of them in the audit log.

The methods block; the web layer calls them from worker threads.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import torch

from occreid import __version__
from occreid.data.images import Pixels
from occreid.data.inspect.heat import overlay
from occreid.descriptors import Descriptors
from occreid.distances import paired_distances
from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Gallery
from occreid.gallery.entries import score
from occreid.methods import Method
from occreid.retrieval.calibration import Calibration
from occreid.serve import schemas
from occreid.serve.audit import AuditLog
from occreid.serve.batching import Batcher
from occreid.serve.engine import Engine
from occreid.serve.keys import Key
from occreid.serve.metrics import Metrics
from occreid.serve.pictures import content_id, data_address, decode, encode, parse_box, stored_jpeg
from occreid.serve.settings import Settings
from occreid.serve.storage import steadily, storing

_ROOM = 32 * 2**20  # bytes free below which the service says it is failing
_SECONDS = 60.0  # what a picture may take from queue to descriptor before the request is given up


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the key, and what the log says of the request."""

    key: Key
    request_id: str
    address: str

    def facts(self) -> dict[str, str]:
        """For the audit log."""
        return {"key": self.key.id, "name": self.key.name, "request": self.request_id, "from": self.address}


class NotThere(UserError):
    """An entry that does not exist."""


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
        self.settings = settings or Settings()
        self.calibration = calibration
        self.metrics = Metrics(lambda: len(gallery), lambda: len(self._describe))
        self._describe: Batcher[torch.Tensor, Descriptors] = Batcher(
            engine.describe,
            max_batch=self.settings.max_batch,
            max_wait=self.settings.max_wait,
            observe=self.metrics.batch,
        )
        # enrolments that arrive together are one commit: a commit costs far more than a row
        self._enrol: Batcher[Entry, bool] = Batcher(self._add, max_batch=64)
        self._decoding = threading.Semaphore(self.settings.decoders)

    def close(self) -> None:
        """Finish what is queued and let go of the files."""
        self._describe.close()
        self._enrol.close()
        self.audit.close()

    def about(self, asker: Asker) -> schemas.About:
        """What this service is."""
        stats, model = self.gallery.stats(), self.engine.model
        return schemas.About(
            version=__version__,
            method=self.engine.name,
            weights_sha256=self.engine.weights_hash,
            metric=model.metric,
            parts=self.engine.shape[0],
            dimensions=self.engine.shape[1],
            input_height=model.input_size[0],
            input_width=model.input_size[1],
            entries=stats.entries,
            cameras=sorted(stats.cameras),
            earliest=stats.earliest,
            latest=stats.latest,
            calibrated=self.calibration is not None,
            calibration=None if self.calibration is None else self._presumes(),
            prior=None if self.calibration is None else self.calibration.prior,
            keeps_pictures=self.settings.keep_pictures,
            retention_days=self.settings.retention_days,
            key=asker.key.name,
            roles=list(asker.key.roles),
            max_body=self.settings.max_body,
            max_pixels=self.settings.max_pixels,
            max_k=self.settings.max_k,
        )

    def embed(self, asker: Asker, data: bytes, box: str | None) -> schemas.Embedding:
        """The descriptor of a picture."""
        found = self._described(self._pixels(data, box))
        self.audit.write("embed", **asker.facts(), picture_sha256=_sha256(data), box=box)
        return schemas.Embedding(
            features=found.features[0].tolist(),
            visibility=found.visibility[0].tolist(),
            weights_sha256=self.engine.weights_hash,
        )

    def enrol(
        self,
        asker: Asker,
        data: bytes,
        box: str | None,
        *,
        camid: int | None = None,
        when: float | None = None,
        pid: int | None = None,
        tags: Sequence[str] = (),
    ) -> schemas.Enrolled:
        """Take a picture into the gallery; the same crop with the same camera and time is the same entry."""
        pixels = self._pixels(data, box)
        found = self._described(pixels)
        entry = Entry(
            found.features[0],
            found.visibility[0],
            id=content_id(pixels, camid, when),
            pid=pid,
            camid=camid,
            time=when,
            tags=tuple(tags),
            picture=stored_jpeg(pixels, height=self.settings.picture_height) if self.settings.keep_pictures else None,
        )
        added = _result(self._enrol.submit(entry))
        self.audit.write("enrol", **asker.facts(), id=entry.id, added=added, camera=camid, taken=when)
        return schemas.Enrolled(id=entry.id, added=added)

    def search(
        self,
        asker: Asker,
        data: bytes,
        box: str | None,
        *,
        k: int = 10,
        narrow: Filter | None = None,
        exact: bool = True,
        pictures: bool = False,
    ) -> schemas.Found:
        """The nearest entries to a picture; nothing is answered before the audit log has it."""
        if not 1 <= k <= self.settings.max_k:
            raise UserError(f"k is {k}.", f"Ask for 1 to {self.settings.max_k} answers.")
        query = self._described(self._pixels(data, box))
        hits = steadily(lambda: self.gallery.search(query, k, narrow, exact))[0]
        search_id = secrets.token_hex(8)
        self.audit.write(
            "search",
            **asker.facts(),
            search=search_id,
            picture_sha256=_sha256(data),
            box=box,
            k=k,
            filter=_words(narrow),
            answers=[hit.id for hit in hits],
        )
        shown = steadily(lambda: self.gallery.get([hit.id for hit in hits])) if pictures else []
        kept = {entry.id: entry.picture for entry in shown}
        return schemas.Found(
            search_id=search_id,
            visibility=query.visibility[0].tolist(),
            hits=[
                schemas.HitOut(
                    rank=rank,
                    id=hit.id,
                    distance=hit.distance,
                    score=hit.score,
                    probability=self._probability(hit.distance),
                    pid=hit.pid,
                    camid=hit.camid,
                    time=hit.time,
                    tags=list(hit.tags),
                    visibility=list(hit.visibility),
                    picture=data_address(picture) if (picture := kept.get(hit.id)) else None,
                )
                for rank, hit in enumerate(hits, start=1)
            ],
        )

    def compare(
        self, asker: Asker, first: bytes, second: bytes, boxes: tuple[str | None, str | None] = (None, None)
    ) -> schemas.Compared:
        """How alike two pictures are, and how probably they show one person if the service is calibrated."""
        pixels = [self._pixels(data, box) for data, box in zip((first, second), boxes, strict=True)]
        futures = [self._describe.submit(self.engine.prepare(picture)) for picture in pixels]
        one, other = (_result(future) for future in futures)
        row = torch.zeros(1, dtype=torch.int64)
        distance = float(paired_distances(one, other, self.engine.model.metric, row, row)[0])
        self.audit.write("compare", **asker.facts(), picture_sha256=[_sha256(first), _sha256(second)])
        finite = math.isfinite(distance)
        if not finite:
            message = "The two pictures show no part of a person in common: nothing can be said."
        elif self.calibration is None:
            message = "No probability: this service has no calibration file (occreid serve calibrate)."
        else:
            message = self._presumes()
        return schemas.Compared(
            distance=distance if finite else None,
            score=score(distance, self.engine.model.metric) if finite else None,
            probability=self._probability(distance),
            message=message,
            visibility=(one.visibility[0].tolist(), other.visibility[0].tolist()),
        )

    def explain(self, asker: Asker, data: bytes | None, box: str | None, entry_id: str | None) -> schemas.Explained:
        """Where the method looked in a picture, or in the picture of an entry."""
        if (data is None) == (entry_id is None):
            raise UserError("explain needs a picture or an id.", "Send one of the two.")
        if data is None:
            assert entry_id is not None
            data, box = self._kept_picture(entry_id), None
        pixels = self._pixels(data, box)
        maps = self.engine.explain(pixels)
        found = self._described(pixels)
        self.audit.write("explain", **asker.facts(), id=entry_id, picture_sha256=_sha256(data))
        shown = [
            schemas.Shown(name=name, overlay=data_address(encode(overlay(pixels, shown), ".png"), "png"))
            for name, shown in maps.items()
        ]
        nothing = f"The method '{self.engine.name}' has no maps of its own to show."
        message = nothing if not shown else "Blue: looked away. Yellow: looked here."
        return schemas.Explained(maps=shown, visibility=found.visibility[0].tolist(), message=message)

    def entry(self, entry_id: str) -> schemas.EntryOut:
        """What the gallery says of an entry."""
        found = self._get(entry_id)
        return schemas.EntryOut(
            id=found.id,
            pid=found.pid,
            camid=found.camid,
            time=found.time,
            tags=list(found.tags),
            visibility=found.visibility.tolist(),
            has_picture=found.picture is not None,
        )

    def picture(self, asker: Asker, entry_id: str) -> bytes:
        """The kept JPEG of an entry."""
        data = self._kept_picture(entry_id)
        self.audit.write("picture", **asker.facts(), id=entry_id)
        return data

    def delete(
        self, asker: Asker, *, ids: Sequence[str] | None = None, before: float | None = None, camera: int | None = None
    ) -> schemas.Deleted:
        """Delete entries for good: their bytes are rewritten away before this returns."""
        narrow = None if camera is None else Filter(cameras=(camera,))
        self.audit.write("delete", **asker.facts(), ids=ids, before=before, camera=camera)  # first: also if it fails
        return self.remove("request", ids=ids, before=before, filter=narrow)

    def remove(self, why: str, **what: Any) -> schemas.Deleted:
        """Delete and compact, also what an earlier call deleted but failed to sweep; see `Gallery.delete`."""
        with storing():
            deleted = self.gallery.delete(**what)
            if deleted:  # put down before compacting, which may fail
                self.metrics.deleted(why, deleted)
                if why == "retention":
                    self.audit.write(why, **what, deleted=deleted)
            if deleted or self.gallery.unswept():
                self.gallery.compact()
        return schemas.Deleted(deleted=deleted, gone_from_disk=True)

    def retain(self) -> int:
        """Delete what is older than the retention; how many."""
        if self.settings.retention_days is None:
            return 0
        before = time.time() - 86400 * self.settings.retention_days
        return self.remove("retention", before=before).deleted

    def mark(self, asker: Asker, mark: schemas.Mark) -> None:
        """Write a person's verdict on an answer down."""
        self.audit.write("mark", **asker.facts(), search=mark.search_id, id=mark.id, verdict=mark.verdict)

    def check(self) -> None:
        """Nothing, if the service can do its work.

        Raises:
            UserError: the gallery cannot be read, or the disk is nearly full.
        """
        try:
            len(self.gallery)
            free = shutil.disk_usage(self.audit.path.parent).free
        except (OSError, RuntimeError) as error:
            raise UserError("The gallery cannot be read.", str(error)) from error
        if free < _ROOM:
            raise UserError("The disk is nearly full.", "Make room.")

    def warnings(self) -> list[str]:
        """What whoever starts the service should know."""
        found = []
        if type(self.engine.model).refine is not Method.refine:
            found.append(f"{self.engine.name} refines descriptors by the whole gallery; the service ranks without it.")
        if self.calibration is None:
            found.append("no calibration file: no probability will be given.")
        return found

    def _pixels(self, data: bytes, box: str | None) -> Pixels:
        wanted = parse_box(box)
        with self._decoding:
            return decode(data, max_pixels=self.settings.max_pixels, box=wanted)

    def _described(self, pixels: Pixels) -> Descriptors:
        return _result(self._describe.submit(self.engine.prepare(pixels)))

    def _add(self, entries: list[Entry]) -> list[bool]:
        """Add entries in one commit; for each, whether it was new."""
        known = {entry.id for entry in self.gallery.get([entry.id for entry in entries])}
        with storing():
            self.gallery.add(entries)
        new = []
        for entry in entries:
            new.append(entry.id not in known)
            known.add(entry.id)
        return new

    def _get(self, entry_id: str) -> Entry:
        found = steadily(lambda: self.gallery.get([entry_id]))
        if not found:
            raise NotThere(f"there is no entry '{entry_id[:60]}'.", "It may have been deleted.")
        return found[0]

    def _kept_picture(self, entry_id: str) -> bytes:
        picture = self._get(entry_id).picture
        if picture is None:
            raise NotThere(f"no picture of '{entry_id[:60]}' was kept.", "")
        return picture

    def _probability(self, distance: float) -> float | None:
        return None if self.calibration is None else self.calibration.probability(distance)

    def _presumes(self) -> str:
        assert self.calibration is not None
        held = self.calibration
        return (
            f"Fitted on {held.fitted_on}; presumes that {held.prior:.0%} of the compared pairs show one person; "
            f"expected calibration error {held.held_out['ece']:.3f} on persons left out of the fit."
        )


def _result(future: Future[Any]) -> Any:
    return future.result(timeout=_SECONDS)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _words(narrow: Filter | None) -> dict[str, Any]:
    """What a filter narrows, for the log."""
    if narrow is None:
        return {}
    words = {
        "cameras": narrow.cameras,
        "start": narrow.start,
        "end": narrow.end,
        "tags": list(narrow.tags) or None,
        "exclude_camera": narrow.exclude_camera,
    }
    return {key: value for key, value in words.items() if value is not None}
