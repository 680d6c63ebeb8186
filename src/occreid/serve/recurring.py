"""Work that is done again and again while the service runs, and is missed when it ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from occreid.errors import UserError

logger = logging.getLogger("occreid.serve")


class Recurring:
    """A thread that does some work at once and then at intervals, until stopped.

    Args:
        name: of the work, for the log.
        work: what to do.
        every: seconds between two runs.
        again: the same after one that failed; left out, no sooner.
    """

    def __init__(self, name: str, work: Callable[[], object], every: float, again: float | None = None) -> None:
        self.name = name
        self._work = work
        self._every = every
        self._again = every if again is None else min(again, every)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = ""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=f"occreid-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the work if it is being done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def check(self) -> None:
        """Nothing, if the last run went well and there will be a next one.

        Raises:
            UserError: it did not, or an unforeseen fault has ended the thread.
        """
        if self._thread is not None and not self._thread.is_alive() and not self._stop.is_set():
            raise UserError(f"{self.name} has ended.", "Its traceback is in the log; start the service again.")
        if self._problem:
            raise UserError(f"{self.name} failed.", self._problem)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
                self._problem = ""
            except (UserError, OSError, RuntimeError) as error:  # tried again next time; /readyz says so until then
                logger.error("%s failed: %s", self.name, error)
                self._problem = str(error) or type(error).__name__
            self._stop.wait(self._again if self._problem else self._every)
