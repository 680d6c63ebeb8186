"""The audit log: one JSON line for everything done to somebody's pictures; lines are only ever appended.

A line names who (key), what, when, from where and which entries were shown. It never holds a picture or a
descriptor; of a query picture it holds the SHA-256, so that a picture at hand can be proven to be the one searched.

Each line ends with a hash of itself and of the line before (``chain``): who changes or takes out a line must write all
later ones anew, and `occreid.serve.trail.check_audit` finds it. The last hash, kept elsewhere, also proves that the end
is still there. A file that has grown large is renamed (`occreid.serve.trail.rotated`) and the chain goes on in a new
one.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.files import flush_to_disk
from occreid.gallery.errors import StorageFull
from occreid.serve.trail import ROTATED, chained, last_line, next_name, rotated

logger = logging.getLogger("occreid.serve")
_RECENT = 16 * 2**20  # bytes


class AuditLog:
    """Appends lines to a file that only its owner can read.

    Several processes may append to one file: each takes the file's lock for the moment of a line.

    Args:
        path: the file; made if missing.
        most: bytes from which on the file is renamed before the next line; None: it grows for ever.
        durable: flush every line to the disk before `write` returns, so that a power cut loses none.

    Raises:
        UserError: it cannot be opened for appending.
    """

    def __init__(self, path: str | Path, *, most: int | None = None, durable: bool = False) -> None:
        self.path = Path(path)
        self._most = most
        self._durable = durable
        self._lock = threading.Lock()
        try:
            self._file = self._opened()
        except OSError as error:
            raise UserError(
                f"cannot append to the audit log {path} ({error}).", "Give a file in a folder you can write to."
            ) from error

    def write(self, action: str, **facts: Any) -> None:
        """Append one line; when it returns, the line has been handed to the system.

        Args:
            action: what was done, e.g. ``"search"``.
            facts: further JSON-serialisable entries.

        Raises:
            StorageFull: the line could not be written whole; the caller must then not give the answer away.
        """
        entry = {"time": round(time.time(), 3), "action": action, **facts}
        with self._lock:
            if self._file < 0:
                raise StorageFull(f"the audit log {self.path} is closed.")
            try:
                whole = self._append(entry)
            except OSError as error:
                raise StorageFull(f"the audit log {self.path} cannot be written ({error.strerror}).") from error
        if not whole:
            raise StorageFull(f"the audit log {self.path} cannot be written (the disk is full).")

    def holds(self, action: str, **facts: str) -> bool:
        """Whether a line of this action, among the last 16 MiB, holds these facts; of all processes that write here."""
        wanted, left = [_fact(name, value) for name, value in {"action": action, **facts}.items()], _RECENT
        for path in (self.path, *reversed(rotated(self.path)[-1:])):
            try:
                with path.open("rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(size - left, 0))
                    if any(all(fact in line for fact in wanted) for line in file):
                        return True
                    left = max(left - size, 0)
            except FileNotFoundError:  # being rotated at this moment: it is the next of the two
                continue
        return False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _opened(self) -> int:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if self._durable:
            flush_to_disk(self.path.parent)
        return file

    def _append(self, entry: dict[str, Any]) -> bool:
        """Write a line, into a new file if this one is large; whether it was written whole."""
        while True:
            with self._alone():  # or another's half-written line would look torn
                if self._most is not None and os.fstat(self._file).st_size >= self._most and self._rotate():
                    continue  # with the new file
                lines, before = self._lines(entry), os.fstat(self._file).st_size
                written = os.write(self._file, lines)
                if written != len(lines):  # the disk is full: half a line would look like a break of the chain
                    with suppress(PermissionError):  # of ``chattr +a``
                        os.ftruncate(self._file, before)
                if self._durable:
                    os.fsync(self._file)
                return written == len(lines)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Alone with the newest file among processes; one that was renamed meanwhile is left for its successor."""
        while True:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if self._is_newest():
                break
            try:
                newest = self._opened()
            except OSError:
                fcntl.flock(self._file, fcntl.LOCK_UN)
                raise
            os.close(self._file)  # lets go of its lock, too
            self._file = newest
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _is_newest(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _rotate(self) -> bool:
        """Rename the file; False where the system forbids it (``chattr +a``): then it goes on growing."""
        try:
            self.path.rename(next_name(self.path))
        except PermissionError as error:
            logger.warning("the audit log %s cannot be rotated: %s", self.path, error.strerror)
            self._most = None
            return False
        if self._durable:
            flush_to_disk(self.path.parent)
        return True

    def _lines(self, entry: dict[str, Any]) -> bytes:
        """What to append for an entry: its line, chained to the last one, which may lie in the file before."""
        last = last_line(self._file)
        if last:
            broken = b"" if last.endswith(b"\n") else b"\n"  # a line cut short by a full disk spoils no other
            return broken + chained(entry, last)
        earlier = rotated(self.path)
        if not earlier:
            return chained(entry, b"")
        with earlier[-1].open("rb") as file:
            first = chained({"time": entry["time"], "action": ROTATED, "after": earlier[-1].name}, last_line(file))
        return first + chained(entry, first)


def _fact(name: str, value: str) -> bytes:
    """A fact as it stands in a line."""
    return f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}".encode()
