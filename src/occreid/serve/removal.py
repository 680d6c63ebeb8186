"""Deleting for good: on request, and what a retention takes for old."""

from __future__ import annotations

import time
from typing import Any

from occreid.gallery import Gallery
from occreid.serve import schemas
from occreid.serve.audit import AuditLog
from occreid.serve.metrics import Metrics


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

    def remove(self, why: str, **what: Any) -> schemas.Deleted:
        """Delete and compact, also what an earlier call deleted but failed to sweep; see `Gallery.delete`.

        Raises:
            StorageFull: the disk is full; what was hidden by then is swept by the next call.
        """
        deleted = self._gallery.delete(**what)
        if deleted:  # put down before compacting, which may fail
            self._metrics.deleted(why, deleted)
            if why == "retention":
                self._audit.write(why, **what, deleted=deleted)
        if deleted or self._gallery.unswept():
            self._gallery.compact()
        return schemas.Deleted(deleted=deleted, gone_from_disk=True)

    def retain(self) -> int:
        """Delete what is older than the retention; how many."""
        if self._retention_days is None:
            return 0
        return self.remove("retention", before=time.time() - 86400 * self._retention_days).deleted
