"""The audit log: one JSON line for everything done to somebody's pictures; lines are only ever appended.

A line names who (key), what, when, from where and which entries were shown. It never holds a picture or a
descriptor; of a query picture it holds the SHA-256, so that a picture at hand can be proven to be the one searched.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull


class AuditLog:
    """Appends lines to a file that only its owner can read.

    Several processes may append to one file: each takes the file's lock for the moment of a line.

    Args:
        path: the file; made if missing.

    Raises:
        UserError: it cannot be opened for appending.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
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
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file < 0:
                raise StorageFull(f"the audit log {self.path} is closed.")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)  # or another's half-written line would look torn
                try:
                    if self._torn():
                        line = b"\n" + line  # a line cut short by a full disk stays what it is, and spoils no other
                    written = os.write(self._file, line)
                finally:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError as error:
                raise StorageFull(f"the audit log {self.path} cannot be written ({error.strerror}).") from error
        if written != len(line):
            raise StorageFull(f"the audit log {self.path} cannot be written (the disk is full).")

    def _torn(self) -> bool:
        """Whether the file's last line has no end."""
        size = os.fstat(self._file).st_size
        return size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def read_audit(path: str | Path) -> list[dict[str, Any]]:
    """The whole lines of an audit log, oldest first; a line that a full disk cut short is left out.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        # not splitlines, to which U+2028, U+2029 and U+0085 end a line too: JSON leaves those in a text as they are
        lines = Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise UserError(f"cannot read the audit log {path} ({error}).", "Check its path and permissions.") from error
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return entries
