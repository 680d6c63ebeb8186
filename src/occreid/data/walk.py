"""Finding pictures in folders, always in the same order, and none of them out of sight."""

from __future__ import annotations

import os
from pathlib import Path

from occreid.errors import UserError, reason

_READ = (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".pjpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_FOREIGN = (".heic", ".heif", ".avif", ".gif", ".jp2", ".jxl")  # pictures that cannot be read; to say so, not to miss
IMAGE_SUFFIXES = frozenset((*_READ, *_FOREIGN))
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*")  # of JPEG, PNG and TIFF
_CLUTTER = frozenset({"__macosx", "@eadir"})  # left by macOS archives and by network disks; both hold *.jpg files


def is_clutter(name: str) -> bool:
    """Whether a file or folder name is an operating system's, not the benchmark's.

    >>> is_clutter("._0002_c1s1_000451_03.jpg"), is_clutter("__MACOSX"), is_clutter("query")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in _CLUTTER


def existing_folder(root: Path) -> Path:
    """The folder itself.

    Raises:
        UserError: it is missing or a file.
    """
    if not os.path.isdir(root):  # False for names too long to exist, too
        what = "is a file" if os.path.exists(root) else "does not exist"
        raise UserError(
            f"the folder {root} {what}.", "Check the path; of a benchmark, give its folder or the one that holds it."
        )
    return root


def images_under(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, sorted; other files and clutter are left out.

    Raises:
        UserError: there is none, a subfolder cannot be read, or a name is no UTF-8.
    """
    found = [file for file in files_under(folder) if is_image(file)]
    if not found:
        raise UserError(
            f"there is no image in {folder}.",
            f"Looked for {', '.join(_READ)} there and in its subfolders.",
        )
    for file in found:
        check_name(file)
    return found


def is_image(file: Path) -> bool:
    """Whether a file is a picture: by its ending, or where that says nothing by its first bytes.

    Raises:
        UserError: the file cannot be read.
    """
    if file.suffix.lower() in IMAGE_SUFFIXES:
        return True
    try:
        with file.open("rb") as opened:
            first = opened.read(12)
        return first.startswith(_BEGINNINGS) or (first[:4], first[8:]) == (b"RIFF", b"WEBP")
    except FileNotFoundError:  # a link to nowhere
        return False
    except OSError as error:
        raise UserError(f"cannot read {file} ({reason(error)}).", "Check its permissions.") from error


def check_name(file: Path) -> None:
    """Refuse a file whose path is no UTF-8: tables, pages and JSON could not name it.

    Raises:
        UserError: it is not.
    """
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        shown = str(file).encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"the file name {shown} is not UTF-8.", "Rename it, e.g. with: convmv -f latin1 -t utf8"
        ) from error


def files_under(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders but clutter, sorted by path; links to folders are followed.

    Raises:
        UserError: a folder cannot be read, or a link leads back into a folder it lies in.
    """

    def refuse(error: OSError) -> None:
        raise UserError(
            f"cannot read the folder {error.filename} ({reason(error)}).", "Check its permissions."
        ) from error

    found: list[Path] = []
    around: dict[str, tuple[str, ...]] = {}  # folder → the real folders it lies in, itself last
    for base, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(base)
        outer = around.get(os.path.dirname(base), ())
        if real in outer:
            raise UserError(f"the link {base} leads back to {real}, in which it lies.", "Remove that link.")
        around[base] = (*outer, real)
        folders[:] = [name for name in folders if not is_clutter(name)]
        found += [Path(base, name) for name in files if not is_clutter(name)]
    return sorted(found, key=Path.as_posix)
