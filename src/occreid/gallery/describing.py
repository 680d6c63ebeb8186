"""What a gallery takes besides descriptors: pictures, and the model that describes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from occreid.errors import UserError
from occreid.gallery.entries import Entry
from occreid.gallery.manifest import Manifest
from occreid.models import load_model
from occreid.models.contract import Method
from occreid.models.masker import masks_key, require_same
from occreid.records import Record


def describer_of(model: Method | str | Path | None, manifest: Manifest) -> Method:
    """The model that describes pictures for a gallery.

    Args:
        model: a loaded one, or what `occreid.load_model` takes.
        manifest: the gallery's.

    Raises:
        UserError: no model, or one that hides other parts of a picture than the gallery's.
    """
    if model is None:
        raise UserError("pictures need a model to describe them.", "Give the gallery's: model=load_model(…)")
    network = load_model(model) if isinstance(model, str | Path) else model
    require_same(masks_key(network), manifest.masks, "the gallery")
    return network


def files_and_entries(given: Entry | str | Path | Sequence[Entry | str | Path]) -> tuple[list[Record], list[Entry]]:
    """What is to be added, apart: files, and what is described already; one alone is one.

    Raises:
        UserError: something that is neither.
    """
    every = [given] if isinstance(given, Entry | str | Path) else given
    if not isinstance(every, Sequence):
        raise _neither(every)
    files, described = [], []
    for one in every:
        if isinstance(one, Entry):
            described.append(one)
        elif isinstance(one, str | Path):
            files.append(Record(Path(one), -1, -1))
        else:
            raise _neither(one)
    return files, described


def _neither(thing: object) -> UserError:
    return UserError(
        f"what is to be added is of the type {type(thing).__name__}, neither file nor entry.",
        "Give a list of files, or of occreid.gallery.Entry(features, …).",
    )
