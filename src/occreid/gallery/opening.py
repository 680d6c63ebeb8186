"""Making the gallery of a model, or finding that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from occreid.files import locked
from occreid.gallery.gallery import MEMORY, Gallery
from occreid.gallery.manifest import Manifest
from occreid.gallery.stores import create_store
from occreid.models.contract import Method
from occreid.models.locate import called
from occreid.models.masker import masks_key

_WAIT = 600.0  # seconds for another process that makes the same gallery


def manifest_of(model: Method, card: Mapping[str, Any], source: str | Path = "") -> Manifest:
    """What a gallery of this model's descriptors must be like; describes one blank picture to see their shape.

    Args:
        model: in eval mode.
        card: its card.
        source: where it was loaded from, for its name (`occreid.models.locate.called`).
    """
    with torch.no_grad():
        _, parts, dim = model.describe(torch.zeros(1, 3, *model.input_size, dtype=torch.uint8)).features.shape
    return Manifest(
        dim,
        parts,
        model.metric,
        card.get("sha256", ""),
        called(card, source),
        flip_test=model.flip_test,
        masks=masks_key(model),
    )


def create_gallery(uri: str, manifest: Manifest, *, token: str | None = None, memory: int = MEMORY) -> Gallery:
    """`Gallery.create` of a manifest.

    Raises:
        UserError: as there.
    """
    return Gallery(create_store(str(uri), manifest, token, memory))


def open_or_create(uri: str, manifest: Manifest, *, token: str | None = None) -> Gallery:
    """The gallery, made where there is none; of several processes that start at once, one makes it.

    Raises:
        UserError: it is of other weights, or cannot be made or read.
    """
    uri = str(uri)
    place = Path(uri)
    if "://" in uri or _is_there(place):  # one that is there may lie on a read-only disk
        return Gallery.open(uri, weights_hash=manifest.weights_hash, token=token)
    with locked(place, wait=_WAIT):
        if _is_there(place):
            return Gallery.open(uri, weights_hash=manifest.weights_hash, token=token)
        return create_gallery(uri, manifest, token=token)


def _is_there(place: Path) -> bool:
    return place.exists() and not (place.is_dir() and not any(place.iterdir()))
