"""What Prometheus sees. No label holds anything about a person or a key."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one service, in a registry of its own (several services fit in one process).

    Args:
        entries: how many entries the gallery holds, asked at each scrape.
        waiting: how many pictures wait for the model.
    """

    def __init__(self, entries: Callable[[], int], waiting: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter("occreid_requests", "Requests answered.", ["route", "status"], **made)
        self._seconds = Histogram("occreid_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, **made)
        self._refused = Counter("occreid_refused", "Requests refused with 429.", ["why"], **made)
        self._batches = Histogram("occreid_batch_size", "Pictures described at once.", buckets=_SIZES, **made)
        self._deleted = Counter("occreid_entries_deleted", "Entries deleted, by whom.", ["why"], **made)
        Gauge("occreid_gallery_entries", "Entries in the gallery.", **made).set_function(entries)
        Gauge("occreid_pictures_waiting", "Pictures waiting for the model.", **made).set_function(waiting)
        Gauge("occreid_resident_bytes", "Memory of this process.", **made).set_function(resident_bytes)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer; ``route`` is the path's template, never the path itself."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, why: str) -> None:
        """Count a 429."""
        self._refused.labels(why).inc()

    def batch(self, size: int) -> None:
        """Count a batch."""
        self._batches.observe(size)

    def deleted(self, why: str, count: int) -> None:
        """Count deleted entries."""
        self._deleted.labels(why).inc(count)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


def resident_bytes() -> float:
    """Memory this process holds now; NaN where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return float("nan")
