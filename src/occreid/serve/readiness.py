"""Whether the service can do its work, asked by everybody and therefore told without a name of any place."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from occreid.errors import UserError

logger = logging.getLogger("occreid.serve")
_SECONDS = 1.0  # an answer holds so long: the question needs no key


class Readiness:
    """Runs checks and remembers what they found.

    Args:
        checks: what to say in public when a check fails → the check, which raises what the log shall say.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._problems: list[str] = []
        self._until = 0.0

    def problems(self) -> list[str]:
        """What is wrong, for everybody to read; empty where all is well."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._problems = [message for message, check in self._checks.items() if _fails(message, check)]
                self._until = time.monotonic() + _SECONDS
            return list(self._problems)


def _fails(message: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except (UserError, OSError, RuntimeError) as error:
        logger.error("%s %s", message, error)
        return True
    return False
