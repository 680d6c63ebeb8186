"""Files as every room reads and writes them: whole or not at all, in UTF-8, and a mistake in one sentence.

A write goes to a temporary name beside its target, reaches the disk, and is then renamed: a kill or a power cut
leaves the old content or the new one. The temporary name is the target's with ``.part`` behind it, so what a kill
leaves behind is overwritten by the next write. One process writes a target at a time; where that is not sure, `locked`
makes it so.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from occreid.errors import UserError

WRITABLE = "Choose a folder you can write to."
"""The hint where nothing better is known about a file that cannot be written."""
_DEEP = "it is nested too deep"


def write_file(
    path: str | Path,
    content: str | bytes,
    *,
    what: str = "",
    hint: str = WRITABLE,
    private: bool = False,
    flush: bool = True,
) -> Path:
    """Write a file whole or not at all.

    Args:
        path: the file; its folder is made.
        content: bytes, or text, which is written in UTF-8 with its line ends as they are; what a file's name holds
            beside UTF-8 is escaped as JSON does.
        what: the file's kind for the error, e.g. ``"the keys file"``; may be empty.
        hint: the error's second sentence.
        private: only the owner may read the file, from its first byte on.
        flush: wait until the disk has it. Without, a power cut (no kill) may leave an empty file: for what is made
            by the thousand and can be made again.

    Raises:
        UserError: the file cannot be written; the old one is still there then.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with replacing(path, what=what, hint=hint, flush=flush) as part:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o600 if private else 0o666), "wb") as file:
            file.write(data)
    return Path(path)


def write_json(path: str | Path, content: Any, *, indent: int | None = 1, **options: Any) -> Path:
    """Write JSON by `write_file`, whose other arguments it takes.

    Raises:
        UserError: the file cannot be written.
    """
    return write_file(path, json.dumps(content, indent=indent, ensure_ascii=False) + "\n", **options)


@contextmanager
def replacing(path: str | Path, *, what: str = "", hint: str = WRITABLE, flush: bool = True) -> Iterator[Path]:
    """A temporary name for a file or folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    For what writes files by name itself; a folder must not be there yet, or be empty. An `OSError` of the block is
    taken for one of writing.

    Args:
        path: the target; its folder is made.
        what: see `write_file`.
        hint: see `write_file`.
        flush: see `write_file`.

    Raises:
        UserError: it cannot be written.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)
        try:
            yield part
            if flush:
                _to_disk(part)
            if part.is_dir() and path.is_dir():
                path.rmdir()
            os.replace(part, path)
        finally:
            _remove(part)
        if flush:
            flush_to_disk(path.parent)
    except OSError as error:
        raise UserError(f"cannot write {what} {path} ({_reason(error)}).".replace("  ", " "), hint) from error


@contextmanager
def new_folder(path: str | Path, *, hint: str = "Choose another with --out.") -> Iterator[Path]:
    """`replacing` for a folder that must be new, or empty.

    Raises:
        UserError: the folder holds something, is a file, or cannot be written.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} {'is not empty' if path.is_dir() else 'is a file'}.", "Choose a new or empty folder.")
    with replacing(path, hint=hint) as part:
        part.mkdir()
        yield part


def read_text(path: str | Path, *, what: str = "", hint: str = "") -> str:
    """The text of a UTF-8 file, without the byte order mark that spreadsheets put first.

    Args:
        path: the file.
        what: its kind for the error, e.g. ``"the card"``; may be empty.
        hint: the error's second sentence.

    Raises:
        UserError: the file is missing, unreadable, or no UTF-8.
    """
    name = f"{what} {path}".strip()
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}." if not what else f"there is no {name[4:]}.", hint) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no UTF-8: {error}"
        raise UserError(f"cannot read {name} ({reason or error}).", hint) from error


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's content, as hexadecimal digits.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path} ({_reason(error)}).", "Check the file and its permissions.") from error


def read_json(path: str | Path, *, what: str = "", hint: str = "") -> Any:
    """The content of a JSON file; the arguments of `read_text`.

    Raises:
        UserError: the file is missing, unreadable, or no JSON.
    """
    text = read_text(path, what=what, hint=hint)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = _DEEP if isinstance(error, RecursionError) else error
        raise UserError(f"{what} {path} is not JSON ({reason}).".strip(), hint) from error


def read_csv(path: str | Path, *, what: str = "", hint: str = "") -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns and rows of a CSV file with a head; the arguments of `read_text`.

    Returns:
        The columns, and of each row the line it ends on and its cells by column. A row of other length than the head
        has cells None, or a key None.

    Raises:
        UserError: the file is missing, unreadable, or no CSV: a quote that is never closed, a cell without end.
    """
    reader = csv.DictReader(
        io.StringIO(read_text(path, what=what, hint=hint), newline=""), skipinitialspace=True, strict=True
    )
    name = f"{what} {path}".strip()
    try:
        return list(reader.fieldnames or ()), [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise UserError(
            f"{name} is no CSV: {error}, in the row that begins on line {reader.line_num + 1}.",
            "Is a quote not closed?",
        ) from error


def flush_to_disk(path: Path) -> None:
    """Wait until the disk has a file's bytes, or the names in a folder.

    Raises:
        OSError: the disk refuses.
    """
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: str | Path, *, wait: float = 0.0) -> Iterator[None]:
    """Alone with a file or folder among processes; the lock is a hidden file beside it and ends with its process.

    Args:
        path: what is to be changed; its folder is made.
        wait: seconds to wait for another process.

    Raises:
        UserError: another process holds it, or the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=wait)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UserError(f"another process is changing {path}.", "Try again when it has ended.") from error
    except OSError as error:
        raise UserError(f"cannot write beside {path} ({_reason(error)}).", WRITABLE) from error
    try:
        yield
    finally:
        lock.release()


def claim_folder(folder: Path, name: str, key: Mapping[str, Any], others: str) -> None:
    """Make a folder that is filled piece by piece, or find that it is one of this key already.

    A file in it says what its pieces are of, so that no two things mix.

    Args:
        folder: made if missing.
        name: the file in it that holds the key, e.g. ``"masks.json"``.
        key: what the folder's content depends on; JSON-serialisable.
        others: what a folder of another key holds, for the error, e.g. ``"masks of other weights"``.

    Raises:
        UserError: the folder has another key, a damaged one, or none and is not empty, or cannot be written.
    """
    file = folder / name
    if file.is_file():
        if read_json(file, hint="Delete that folder, or choose another with --out.") != key:
            raise UserError(f"{folder} holds {others}.", "Delete it, or choose another with --out.")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = any(path.name != f"{name}.part" for path in folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot write {folder} ({_reason(error)}).", WRITABLE) from error
    if strangers:
        raise UserError(f"the folder {folder} is not empty.", "Choose a new one with --out.")
    write_json(file, key)  # the key is there whole or not at all


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError):  # of a folder that was to be made
        return f"{error.filename} is a file"
    return error.strerror or str(error)


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _to_disk(part: Path) -> None:
    """Every byte of a file or of a folder's files; else a power cut could leave the new name on empty files."""
    if part.is_dir():
        for folder, _, names in os.walk(part):
            for name in names:
                flush_to_disk(Path(folder, name))
            flush_to_disk(Path(folder))
    else:
        flush_to_disk(part)
