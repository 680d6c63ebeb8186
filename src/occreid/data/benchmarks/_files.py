"""Finding a benchmark's folders and the images in them, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from occreid.errors import UserError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
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
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise UserError(f"the folder {root} {what}.", "Give the benchmark's folder, or the folder that holds it.")
    return root


def find_folders(
    root: Path, usual: Sequence[str], parts: Mapping[str, Sequence[str]], optional: Sequence[str] = ()
) -> dict[str, Path]:
    """The folders of a benchmark's parts, in ``root`` or in a folder of a usual name in it.

    Args:
        root: the benchmark's folder or its parent.
        usual: names the benchmark's folder usually has; case does not matter.
        parts: part → names its folder may have, "a/b" for nested ones; case does not matter.
        optional: parts that may be missing.

    Raises:
        UserError: no such place; the message lists what was looked for.
    """
    existing_folder(root)
    wanted = {name.lower() for name in usual}
    bases = [root, *(child for child in _children(root).values() if child.name.lower() in wanted)]
    for base in bases:
        found = {part: folder for part, names in parts.items() if (folder := _first(base, names))}
        if found and all(part in found or part in optional for part in parts):
            return found
    missing = "; ".join(" or ".join(names) for part, names in parts.items() if part not in optional or not usual)
    called = f"; the benchmark's folder is usually called {' or '.join(usual)}" if usual else ""
    raise UserError(f"{root} does not hold the folders {missing}.", f"Looked in {', '.join(map(str, bases))}{called}.")


def images_under(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, sorted; other files and clutter are left out.

    Raises:
        UserError: there is none.
    """
    found = [file for file in files_under(folder) if file.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise UserError(
            f"there is no image in {folder}.",
            f"Looked for {', '.join(sorted(IMAGE_SUFFIXES))} there and in its subfolders.",
        )
    return found


def files_under(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders but clutter, sorted by path."""
    found: list[Path] = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_clutter(name)]
        found += [Path(base, name) for name in files if not is_clutter(name)]
    return sorted(found, key=Path.as_posix)


def _children(folder: Path) -> dict[str, Path]:
    """Subfolders by lower-case name; of two that differ in case only, the first in sorted order."""
    found: dict[str, Path] = {}
    for child in sorted(folder.iterdir(), key=Path.as_posix):
        if not is_clutter(child.name) and child.is_dir():
            found.setdefault(child.name.lower(), child)
    return found


def _first(base: Path, names: Sequence[str]) -> Path | None:
    for name in names:
        folder: Path | None = base
        for step in name.lower().split("/"):
            folder = _children(folder).get(step) if folder else None
        if folder:
            return folder
    return None
