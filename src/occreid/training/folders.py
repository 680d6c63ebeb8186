"""The run folder: taking a new one, and finding an interrupted run in an old one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from occreid.errors import UserError
from occreid.files import locked, read_json, write_file
from occreid.records import Record
from occreid.training.devices import process_rank
from occreid.training.recipe import Recipe
from occreid.training.recipe_files import changed_keys, dump_recipe, load_recipe, parse_recipe

RECIPE = "recipe.yaml"
NEUTRAL = ("data.root", "data.mask_root", "data.parsing.root", "data.parsing.mask_root", "data.workers")
"""Keys a resumed run may change: where the same pictures lie, and how fast they are read."""


PICTURES = "pictures.json"
"""What a run trains on, so that it is not gone on with on other persons."""


def training_pictures(records: Sequence[Record], root: str | Path) -> dict[str, Any]:
    """What tells a training set from another, wherever it lies: number of images and ids, and a hash of all names.

    Args:
        records: the training images.
        root: what the benchmark was read from.
    """
    root = Path(root).expanduser()
    base = root.parent if root.suffix.lower() == ".csv" else root
    lines = sorted(f"{Path(os.path.relpath(r.path, base)).as_posix()} {r.pid} {r.camid}" for r in records)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"images": len(records), "ids": len({r.pid for r in records}), "sha256": digest}


def require_same_pictures(folder: Path, found: Mapping[str, Any]) -> None:
    """Refuse to go on with a run on other pictures than it was started with.

    Args:
        folder: the run folder.
        found: `training_pictures` now.

    Raises:
        UserError: they are others.
    """
    if not (folder / PICTURES).is_file():
        return  # begun by a version that did not write it
    held = read_json(folder / PICTURES, hint="Start the run again.")
    if held != dict(found):
        raise UserError(
            f"the run {folder} was started on other pictures: {held['images']:,} of {held['ids']:,} persons, "
            f"here are {found['images']:,} of {found['ids']:,}, or others of that number.",
            "Give the data it was started on: --set data.root=FOLDER, or start a new run with --out and --init-from.",
        )


def claim_run(folder: Path, recipe: Recipe) -> None:
    """Make the run folder and save the resolved recipe in it.

    Raises:
        UserError: the folder holds something already, or cannot be written.
    """
    if process_rank() != 0:
        return  # process 0 has made it, or is about to
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            hint = "Choose another --out"
            if (folder / RECIPE).is_file():
                hint += f", or go on with: occreid train --resume {folder}"
            raise UserError(f"the run folder {folder} is not empty.", f"{hint}.")
        write_file(folder / RECIPE, dump_recipe(recipe))
    except OSError as error:
        raise UserError(f"cannot write the run folder {folder} ({error}).", "Choose another --out.") from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Train in a run folder while no other process does; the processes of one distributed run share it.

    Raises:
        UserError: another process trains there.
    """
    if process_rank() != 0:
        yield
        return
    with locked(folder):
        yield


def _with_choices(wanted: Recipe, started: Recipe) -> Recipe:
    """What a recipe leaves to be measured was measured when the run started."""
    update = {
        key: getattr(started.training, key)
        for key in ("precision", "memory_format")
        if getattr(wanted.training, key) == "auto"
    }
    return wanted.model_copy(update={"training": wanted.training.model_copy(update=update)})


def read_run(folder: Path, recipe: str | Path | None, overrides: Sequence[str]) -> Recipe:
    """The recipe of an interrupted run, with the changes that are allowed.

    Args:
        folder: the run folder.
        recipe: the recipe the caller believes it was started with, or None.
        overrides: ``"key=value"``.

    Raises:
        UserError: there is no run, or something that would change the result is different.
    """
    file = folder / RECIPE
    if not file.is_file():
        raise UserError(f"there is no run to resume in {folder}: it has no {RECIPE}.", "Give the --out of that run.")
    started = load_recipe(file)
    if recipe is None:
        wanted = parse_recipe(started.model_dump(mode="json"), overrides, source=str(file))
    else:
        wanted = load_recipe(recipe, overrides)
        if started.training.init_from is not None and wanted.training.init_from is None:
            wanted = wanted.model_copy(
                update={"training": wanted.training.model_copy(update={"init_from": started.training.init_from})}
            )
    wanted = _with_choices(wanted, started)
    changed = [key for key in changed_keys(started, wanted) if key not in NEUTRAL]
    if changed:
        raise UserError(
            f"the run {folder} was started with other values of: {', '.join(changed)}.",
            "Resume it unchanged, or start a new run with --out (and --init-from, to keep its weights).",
        )
    return wanted
