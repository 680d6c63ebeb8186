"""Folders that are filled piece by piece: a file in them says what of, so that no two things mix."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from occreid.errors import UserError


def claim_folder(folder: Path, name: str, key: Mapping[str, Any], others: str) -> None:
    """Make a folder of this key, or find that it is one already.

    Args:
        folder: made if missing.
        name: the file in it that holds the key, e.g. ``"masks.json"``.
        key: what the folder's content depends on; JSON-serialisable.
        others: what a folder of another key holds, for the error, e.g. ``"masks of other weights"``.

    Raises:
        UserError: the folder has another key, a damaged one, or none and is not empty, or cannot be written.
    """
    file, part = folder / name, folder / f"{name}.part"
    try:
        if file.is_file():
            if json.loads(file.read_text()) != key:
                raise UserError(f"{folder} holds {others}.", "Delete it, or choose another with --out.")
            return
        folder.mkdir(parents=True, exist_ok=True)
        if any(path != part for path in folder.iterdir()):
            raise UserError(f"the folder {folder} is not empty.", "Choose a new one with --out.")
        part.write_text(json.dumps(key, indent=1) + "\n")
        os.replace(part, file)  # the key is there whole or not at all
    except OSError as error:
        raise UserError(f"cannot write {folder} ({error}).", "Choose a folder you can write to.") from error
    except ValueError as error:
        raise UserError(f"{file} is damaged ({error}).", "Delete that folder, or choose another with --out.") from error
