"""The job that deletes what has become too old, again and again while the service runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from occreid.errors import UserError

logger = logging.getLogger("occreid.serve")


class Retention:
    """A thread that calls a job at once and then at intervals, until stopped.

    Args:
        job: deletes; gives how many.
        every: seconds between two calls.
    """

    def __init__(self, job: Callable[[], int], every: float) -> None:
        self._job = job
        self._every = every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = ""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="occreid-retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the job if it is running."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def check(self) -> None:
        """Nothing, if the last run went well.

        Raises:
            UserError: it did not, so pictures are kept longer than promised.
        """
        if self._problem:
            raise UserError("Old entries could not be deleted.", self._problem)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if deleted := self._job():
                    logger.info("retention deleted %d entries", deleted)
                self._problem = ""
            except (UserError, OSError) as error:  # tried again next time; /health says so until then
                logger.error("retention failed: %s", error)
                self._problem = str(error)
            self._stop.wait(self._every)
