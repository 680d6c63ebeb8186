"""Snapshots: a gallery's files copied to a folder of their own and back, every byte checked by its hash."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occreid.errors import UserError
from occreid.files import WRITABLE, new_folder, read_json, sha256_of, write_json

if TYPE_CHECKING:
    from occreid.gallery.store import Store

_LIST, _FILES = "snapshot.json", "gallery"
_PIECE = 2**20  # bytes


def snapshot(store: Store, out: str | Path) -> dict[str, Any]:
    """Copy a gallery as it is at one moment into a new folder, for `restore`; others may use it meanwhile.

    Reading goes on; writing waits while the files are copied. What was deleted is swept first.

    Returns:
        ``made`` (Unix seconds), ``entries``, and ``files``: the SHA-256 of each by its path.

    Raises:
        UserError: ``out`` holds something, lies in the gallery, cannot be written, or the gallery is in Milvus.
    """
    if Path(store.where).resolve() in Path(out).resolve().parents:  # each snapshot would hold those before
        raise UserError(f"{out} lies in the gallery {store.where} itself.", "Choose a folder beside it.")
    with new_folder(out, hint=WRITABLE) as part:  # a kill leaves nothing that looks like a snapshot
        part.chmod(0o700)
        files, entries = store.copied_to(part / _FILES)
        about = {"format": 1, "made": round(time.time(), 3), "entries": entries, "files": files}
        write_json(part / _LIST, about, private=True)
    return about


def restore(source: str | Path, out: str | Path) -> dict[str, Any]:
    """Make a gallery of a snapshot, in a new or empty folder.

    Args:
        source: what `Gallery.snapshot` wrote.
        out: where the gallery shall lie.

    Returns:
        What the snapshot says of itself: ``made`` (Unix seconds), ``entries``, ``files``.

    Raises:
        UserError: it is no snapshot, a file is missing, changed or one too many, or ``out`` holds something already.
    """
    source = Path(source)
    about = read_json(source / _LIST, what="the list", hint="Give a folder of: occreid gallery snapshot")
    files = about.get("files") if isinstance(about, dict) and about.get("format") == 1 else None
    if not isinstance(files, dict):
        raise UserError(f"{source / _LIST} is no list of a snapshot.", "Was it written by another version?")
    check_files(source / _FILES, files)
    with new_folder(out, hint=WRITABLE) as part:
        part.chmod(0o700)
        if copy_files(source / _FILES, part) != files:  # what was read to be copied is what was checked
            raise UserError(f"{source} changed while it was read.", "Try again.")
    return about


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compare a folder with the hashes of its files.

    Raises:
        UserError: naming the first file that is missing, changed or not listed.
    """
    found = set(names_in(folder)) if folder.is_dir() else set()
    for name in sorted(found ^ set(files)):
        raise UserError(f"{folder / name} is {'missing' if name in files else 'not of the snapshot'}.", "Take another.")
    for name, hash_ in files.items():
        if sha256_of(folder / name) != hash_:
            raise UserError(f"{folder / name} is not what the snapshot was made of.", "Take another snapshot.")


def copy_files(source: Path, target: Path, leave: Collection[str] = ()) -> dict[str, str]:
    """Copy a folder's files, and give the SHA-256 of what was copied, by its path in the folder.

    Args:
        source: the folder.
        target: made; its files are for their owner alone.
        leave: names of files of the folder that are not copied.

    Raises:
        OSError: something cannot be read or written.
    """
    files = {}
    for name in names_in(source):
        if name in leave or name.endswith(".part"):
            continue
        place = target / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (source / name).open("rb") as old, os.fdopen(os.open(place, _NEW, 0o600), "wb") as new:
            seen = hashlib.sha256()
            while piece := old.read(_PIECE):
                seen.update(piece)
                new.write(piece)
        files[name] = seen.hexdigest()
    return files


_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def names_in(folder: Path) -> list[str]:
    """The files below a folder by their path in it, sorted."""
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
