"""The audit log: one JSON line for everything done to somebody's pictures; lines are only ever appended.

A line names who (key), what, when, from where and which entries were shown. It never holds a picture or a
descriptor; of a query picture it holds the SHA-256, so that a picture at hand can be proven to be the one searched.

Each line ends with a hash of itself and of the line before (``chain``): who changes or takes out a line must write all
later ones anew, and `check_audit` finds it. The last hash, kept elsewhere, also proves that the end is still there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull

_LINE, _RECENT = 4096, 16 * 2**20  # bytes
_CHAIN = b',"chain":"'


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
        with self._lock:
            if self._file < 0:
                raise StorageFull(f"the audit log {self.path} is closed.")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)  # or another's half-written line would look torn
                try:
                    last = self._last_line()
                    line = chained(entry, last)
                    if last and not last.endswith(b"\n"):
                        line = b"\n" + line  # a line cut short by a full disk stays what it is, and spoils no other
                    written = os.write(self._file, line)
                finally:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError as error:
                raise StorageFull(f"the audit log {self.path} cannot be written ({error.strerror}).") from error
        if written != len(line):
            raise StorageFull(f"the audit log {self.path} cannot be written (the disk is full).")

    def _last_line(self) -> bytes:
        """The file's last line, with its end if it has one."""
        size = os.fstat(self._file).st_size
        reach = _LINE
        while True:
            tail = os.pread(self._file, min(reach, size), max(size - reach, 0))
            start = tail.rfind(b"\n", 0, -1) + 1
            if start or reach >= size:
                return tail[start:]
            reach *= 8

    def holds(self, action: str, text: str) -> bool:
        """Whether a line of this action, among the last 16 MiB, holds a text; of all processes that write here."""
        size = os.fstat(self._file).st_size
        tail = os.pread(self._file, min(_RECENT, size), max(size - _RECENT, 0))
        wanted, kind = text.encode(), f'"action":"{action}"'.encode()
        return any(wanted in line and kind in line for line in tail.split(b"\n"))

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


def chained(entry: dict[str, Any], last: bytes) -> bytes:
    """An entry as a line that follows the line ``last``, which may be torn or of a version without hashes."""
    line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    return line + _CHAIN + hashlib.sha256(last.strip(b"\n") + line).hexdigest().encode() + b'"}\n'


def check_audit(path: str | Path) -> tuple[int, list[str], str]:
    """Follow the hashes through an audit log.

    Returns:
        How many lines there are; one sentence for each break; the last hash, to be kept elsewhere.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"cannot read the audit log {path} ({error}).", "Check its path and permissions.") from error
    breaks, last, hash_, count = [], b"", "", 0
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        count += 1
        content, found, chain = line.rpartition(_CHAIN)
        if found:
            hash_ = hashlib.sha256(last + content).hexdigest()
            if chain != f'{hash_}"}}'.encode():
                breaks.append(f"line {number} does not follow the line before it, or was changed")
        elif hash_:
            breaks.append(f"line {number} has no hash: it was cut short, or put in")
        last = line
    return count, breaks, hash_
