"""Finding a benchmark's folders, always in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from occreid.data.walk import existing_folder, is_clutter
from occreid.errors import UserError, reason


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


def _children(folder: Path) -> dict[str, Path]:
    """Subfolders by lower-case name; of two that differ in case only, the first in sorted order."""
    found: dict[str, Path] = {}
    try:
        children = sorted(folder.iterdir(), key=Path.as_posix)
    except OSError as error:
        raise UserError(f"cannot read the folder {folder} ({reason(error)}).", "Check its permissions.") from error
    for child in children:
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
