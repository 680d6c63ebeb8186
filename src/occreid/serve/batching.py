"""Dynamic batching: what arrives while the last batch is being worked on becomes the next batch.

A lone request is never kept waiting, and under load the batch grows by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from occreid.serve.limits import Busy

Item = TypeVar("Item")
Result = TypeVar("Result")


_SECONDS = 60.0  # from queue to result, before a request is given up


class Batcher(Generic[Item, Result]):
    """One thread that works through batches of what other threads submit.

    Args:
        work: items → as many results, in their order; runs in the batcher's own thread, one batch at a time.
        max_batch: items at once.
        max_queue: items waiting; more are refused with `Busy`.
        observe: called with the size of each batch, for metrics.
        why: the word that refusals are counted under.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Sequence[Result]],
        *,
        max_batch: int = 32,
        max_queue: int = 256,
        observe: Callable[[int], object] = lambda size: None,
        why: str = "queue",
    ) -> None:
        self._work = work
        self.max_batch = max_batch
        self.max_queue = max_queue
        self._observe = observe
        self._why = why
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="occreid-batcher", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, item: Item) -> Future[Result]:
        """Queue an item; its future gets the result, or the exception its work ended in.

        Raises:
            Busy: the queue is full, or the service is shutting down.
        """
        with self._changed:
            if self._closed:
                raise Busy("stopping", 5.0)
            if len(self._waiting) >= self.max_queue:
                raise Busy(self._why, 1.0)
            future: Future[Result] = Future()
            self._waiting.append((item, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            batch = [(item, future) for item, future in batch if future.set_running_or_notify_cancel()]
            if batch:
                self._observe(len(batch))
                self._finish(batch)

    def _next(self) -> list[tuple[Item, Future[Result]]]:
        """The next batch; empty when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return [self._waiting.popleft() for _ in range(min(self.max_batch, len(self._waiting)))]

    def _finish(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = list(self._work([item for item, _ in batch]))
            if len(results) != len(batch):
                raise RuntimeError(f"the work made {len(results)} results of {len(batch)} items")
        except Exception as error:  # whatever it is, it belongs to those who wait: this thread must go on
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for single in batch:  # one bad item must not fail its neighbours
                self._finish([single])
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)


def result_of(future: Future[Result], seconds: float = _SECONDS) -> Result:
    """What a batch made of an item.

    Raises:
        TimeoutError: it is not there in time; where the work has not begun, it never will.
    """
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        future.cancel()
        raise
