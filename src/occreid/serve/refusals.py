"""Refused requests (401, 403) in the audit log, a bounded number of lines a minute, so that nobody fills the disk with
them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from occreid.gallery.errors import StorageFull
from occreid.serve.audit import AuditLog

EVERY = 60.0
"""Seconds in which refusals of one kind become one line."""
_MOST = 20  # kinds told apart in that time
Line = dict[str, Any]

logger = logging.getLogger("occreid.serve")


class Refusals:
    """Counts refusals by kind: status, address asked for, and who asked (a key, or where from).

    The first of a kind is a line at once. Those that follow within `EVERY` seconds are counted and become one line; all
    kinds beyond the first twenty are counted together.

    Args:
        audit: where they are written down.
        clock: seconds, ever growing.
    """

    def __init__(self, audit: AuditLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._kinds: dict[tuple[object, ...], tuple[int, Line]] = {}
        self._others = 0

    def count(self, status: int, route: str | None, facts: dict[str, str]) -> list[Line]:
        """Count one; never blocks.

        Args:
            status: what it was answered.
            route: the name of the address; None where there is none such.
            facts: who asked.

        Returns:
            Lines to be written now, see `write`; mostly none.
        """
        kind = (status, route, facts.get("key"), facts.get("from"))
        with self._lock:
            due = self._due() if self._clock() - self._since >= EVERY else []
            if kind in self._kinds:
                times, line = self._kinds[kind]
                self._kinds[kind] = times + 1, line
            elif len(self._kinds) < _MOST:
                line = {"status": status, "route": route, **facts}
                self._kinds[kind] = 0, line
                due.append(line)
            else:
                self._others += 1
        return due

    def write(self, lines: list[Line]) -> None:
        """Write lines down; where the log is full they are lost, the refusals stand."""
        try:
            for line in lines:
                self._audit.write("refused", **line)
        except StorageFull as error:
            logger.error("refused requests are not written down: %s", error)

    def flush(self) -> None:
        """Write down what was counted."""
        with self._lock:
            due = self._due()
        self.write(due)

    def _due(self) -> list[Line]:
        """The lines of what was counted; the count begins anew."""
        seconds = round(self._clock() - self._since, 1)
        lines = [{**line, "more": times, "seconds": seconds} for times, line in self._kinds.values() if times]
        if self._others:
            lines.append({"others": self._others, "seconds": seconds})
        self._since, self._kinds, self._others = self._clock(), {}, 0
        return lines
