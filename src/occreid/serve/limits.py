"""Back-pressure: how fast one client may ask, and how much the service takes on at once. More gets a 429."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MOST_CLIENTS = 10_000


class Busy(Exception):
    """The service takes no more at the moment.

    Args:
        why: what is used up; the word the metrics count under.
        retry_after: seconds after which to try again.
    """

    def __init__(self, why: str, retry_after: float) -> None:
        self.why = why
        self.retry_after = retry_after
        super().__init__(why)


class RateLimiter:
    """A bucket of requests per client that refills steadily.

    Args:
        per_second: lasting requests per second of one client.
        burst: requests at once after a pause.
        clock: seconds, ever growing.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client → (tokens, when)

    def take(self, client: str) -> None:
        """Take one request of this client's.

        Raises:
            Busy: the client has used up its share.
        """
        now = self._clock()
        tokens, since = self._buckets.pop(client, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - since) * self.per_second)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - allowed, now)
        while len(self._buckets) > _MOST_CLIENTS:  # those not seen for longest; their buckets are full again anyway
            self._buckets.popitem(last=False)
        if not allowed:
            raise Busy("rate", (1 - tokens) / self.per_second)


class Gate:
    """At most so many requests inside at a time, and so many of one client.

    Args:
        limit: requests inside.
        per_client: of these, one client's; the others' room is reserved for others.
        why: the word the metrics count refusals under.
    """

    def __init__(self, limit: int, per_client: int, why: str = "concurrency") -> None:
        self.limit = limit
        self.per_client = per_client
        self.why = why
        self._inside: Counter[str] = Counter()

    @property
    def inside(self) -> int:
        """Requests inside."""
        return self._inside.total()

    @contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Be inside for the duration of the block; for one event loop, hence without a lock.

        Raises:
            Busy: it is full, or this client's share is.
        """
        if self.inside >= self.limit or self._inside[client] >= self.per_client:
            raise Busy(self.why, 1.0)
        self._inside[client] += 1
        try:
            yield
        finally:
            self._inside[client] -= 1
            if not self._inside[client]:
                del self._inside[client]
