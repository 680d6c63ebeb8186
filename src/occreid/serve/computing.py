"""The few threads that compare descriptors, for the reason that `occreid.serve.engine` has one for the network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from occreid.serve.batching import result_of

Result = TypeVar("Result")


class Computing:
    """Does work in one of its threads while the caller waits; safe to use from threads.

    Args:
        threads: how many; further callers wait until one is free.
        seconds: what a piece of work may take, waiting included.
    """

    def __init__(self, threads: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="occreid-compute")
        self._seconds = seconds

    def __call__(self, work: Callable[[], Result]) -> Result:
        """What the work gives or raises.

        Raises:
            TimeoutError: it takes too long; work that has not begun by then never will.
        """
        return result_of(self._pool.submit(work), self._seconds)

    def close(self) -> None:
        """Finish what was begun or waits, then stop."""
        self._pool.shutdown()
