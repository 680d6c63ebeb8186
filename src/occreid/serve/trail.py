"""The audit log as files: their names, their lines, and the hashes that tie line to line.

``audit.jsonl`` is the newest file; older ones are called ``audit.000001.jsonl``, ``audit.000002.jsonl``, … and each
begins with a line that names the file before it and carries on its chain. Old ones may be moved away, oldest first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from occreid.errors import UserError

ROTATED = "rotated"
"""The action of a line that begins a new file."""
_CHAIN = b',"chain":"'
_LINE = 4096  # bytes


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `check_audit` found.

    Attributes:
        lines: how many there are, in all files.
        breaks: one sentence for each place where the chain is broken.
        last: the last hash, to be kept elsewhere.
        files: names of the files that were read, oldest first.
        after: the file that the oldest one follows, if that is no longer here: nothing before can be checked.
    """

    lines: int
    breaks: list[str]
    last: str
    files: list[str]
    after: str


def rotated(path: Path) -> list[Path]:
    """The earlier files of an audit log, oldest first."""
    pattern = re.compile(re.escape(path.stem) + r"\.(\d{6,})" + re.escape(path.suffix))
    found = {file: pattern.fullmatch(file.name) for file in path.parent.iterdir()}
    return sorted((file for file, match in found.items() if match), key=lambda file: (len(file.name), file.name))


def next_name(path: Path) -> Path:
    """What the file of an audit log is called when the next one begins."""
    earlier = rotated(path)
    number = int(earlier[-1].name[len(path.stem) + 1 :].split(".")[0]) if earlier else 0
    return path.with_name(f"{path.stem}.{number + 1:06d}{path.suffix}")


def last_line(file: int | IO[bytes]) -> bytes:
    """The last line of a file that is open for reading, with its end if it has one."""
    descriptor = file if isinstance(file, int) else file.fileno()
    size, reach = os.fstat(descriptor).st_size, _LINE
    while True:
        tail = os.pread(descriptor, min(reach, size), max(size - reach, 0))
        start = tail.rfind(b"\n", 0, -1) + 1
        if start or reach >= size:
            return tail[start:]
        reach *= 8


def chained(entry: dict[str, Any], last: bytes) -> bytes:
    """An entry as a line that follows the line ``last``, which may be torn or of a version without hashes."""
    line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    return line + _CHAIN + _hash(last, line).encode() + b'"}\n'


def read_audit(path: str | Path) -> list[dict[str, Any]]:
    """The whole lines of an audit log, oldest first; a line that a full disk cut short is left out.

    Raises:
        UserError: a file cannot be read.
    """
    entries = []
    for file in _files(Path(path)):
        for line in _read(file):  # bytes: a text's lines would end at U+2028, U+2029 and U+0085, too
            try:
                entry = json.loads(line.decode(errors="replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):  # anything else is none of ours; `check_audit` says so
                entries.append(entry)
    return entries


def check_audit(path: str | Path) -> AuditReport:
    """Follow the hashes through all files of an audit log.

    Raises:
        UserError: a file cannot be read.
    """
    path = Path(path)
    files = _files(path)
    breaks, last, hash_, count, after = [], b"", "", 0, ""
    for file in files:
        name = "" if file == path else f"{file.name} "
        for number, line in enumerate(_read(file), start=1):
            if not line.strip(b"\n"):
                continue
            count += 1
            content, found, chain = line.rstrip(b"\n").rpartition(_CHAIN)
            if found and count == 1 and (after := _after(line)):
                hash_ = chain[:-2].decode(errors="replace")
            elif found:
                hash_ = _hash(last, content)
                if chain != f'{hash_}"}}'.encode():
                    breaks.append(f"{name}line {number} does not follow the line before it, or was changed")
            elif hash_:
                breaks.append(f"{name}line {number} has no hash: it was cut short, or put in")
            last = line
    return AuditReport(count, breaks, hash_, [file.name for file in files], after)


def _hash(last: bytes, line: bytes) -> str:
    return hashlib.sha256(last.strip(b"\n") + line).hexdigest()


def _after(line: bytes) -> str:
    """The file before, if this line begins a file that follows another; else empty."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    follows = isinstance(entry, dict) and entry.get("action") == ROTATED
    return str(entry.get("after", "")) if follows else ""


def _files(path: Path) -> list[Path]:
    """All files of a log, oldest first; the newest is missing for a moment while it is being rotated."""
    earlier = rotated(path) if path.parent.is_dir() else []
    return [*earlier, path] if path.exists() or not earlier else earlier


def _read(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends, one after the other: a log may be large.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise UserError(f"cannot read the audit log {path} ({error}).", "Check its path and permissions.") from error
