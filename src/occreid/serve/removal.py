"""Deleting for good: on request, and what a retention takes for old."""

from __future__ import annotations

import time
from typing import Any

from occreid.errors import UserError
from occreid.gallery import Gallery, StorageFull
from occreid.serve import schemas
from occreid.serve.audit import AuditLog
from occreid.serve.metrics import Metrics

_JUMP = 3600.0  # seconds that the clock may gain on the time that has passed


class Removal:
    """Deletes entries and rewrites their bytes away.

    Args:
        gallery: where from.
        audit: where it is written down.
        metrics: where it is counted.
        retention_days: entries older than this are deleted by `retain`; None keeps them.
    """

    def __init__(self, gallery: Gallery, audit: AuditLog, metrics: Metrics, retention_days: float | None) -> None:
        self._gallery = gallery
        self._audit = audit
        self._metrics = metrics
        self._retention_days = retention_days
        self._started = time.time(), time.monotonic()

    def remove(self, why: str, **what: Any) -> schemas.Deleted:
        """Delete and compact, also what an earlier call deleted but failed to sweep; see `Gallery.delete`.

        Raises:
            StorageFull: the disk is full; its message says what was done.
        """
        deleted = self._gallery.delete(**what)
        if deleted:  # put down before compacting, which may fail
            self._metrics.deleted(why, deleted)
            if why == "retention":
                self._audit.write(why, **what, deleted=deleted)
        if deleted or self._gallery.unswept():
            try:
                self._gallery.compact()
            except StorageFull as error:
                error.done = (
                    f"{deleted} entries are deleted from every answer; bytes are still on the disk until there is room "
                    "for the next deletion, which sweeps them, too."
                )
                raise
        return schemas.Deleted(deleted=deleted, gone_from_disk=True)

    def retain(self) -> int:
        """Delete what is older than the retention; how many.

        Raises:
            UserError: the clock cannot be trusted, so that nothing was deleted.
        """
        if self._retention_days is None:
            return 0
        before = time.time() - 86400 * self._retention_days
        self._check_clock(before)
        return self.remove("retention", before=before).deleted

    def _check_clock(self, before: float) -> None:
        """A clock that jumps forward would make everybody old at once, and there would be no way back."""
        jump = (time.time() - self._started[0]) - (time.monotonic() - self._started[1])
        if jump > _JUMP:
            raise UserError(
                f"the clock jumped forward by {jump / 3600:.1f} hours while the service ran.",
                "If it is right now, start the service again.",
            )
        if len(self._gallery) and (latest := self._gallery.latest_added()) is not None and latest < before:
            raise UserError(
                "every entry would be deleted: the newest was added before the retention began.",
                "If the clock is right, delete them by hand: occreid gallery delete --before",
            )
