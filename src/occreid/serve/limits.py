"""Back-pressure: how fast one client may ask, and how much the service takes on at once. More gets a 429."""

from __future__ import annotations

import time
from collections import OrderedDict
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
    """At most so many requests inside at a time.

    Args:
        limit: requests inside.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for the duration of the block; for one event loop, hence without a lock.

        Raises:
            Busy: it is full.
        """
        if self.inside >= self.limit:
            raise Busy("concurrency", 1.0)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
