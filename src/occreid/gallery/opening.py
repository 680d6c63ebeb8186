"""Making the gallery of a model, or finding that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from occreid.errors import require
from occreid.gallery.gallery import MEMORY, Gallery
from occreid.gallery.manifest import Manifest
from occreid.gallery.stores import create_store
from occreid.models.contract import Method
from occreid.models.masker import masks_key, require_same


def manifest_of(model: Method, card: Mapping[str, Any]) -> Manifest:
    """What a gallery of this model's descriptors must be like; describes one blank picture to see their shape."""
    with torch.no_grad():
        _, parts, dim = model.describe(torch.zeros(1, 3, *model.input_size, dtype=torch.uint8)).features.shape
    return Manifest(
        dim,
        parts,
        model.metric,
        card.get("sha256", ""),
        card.get("method", ""),
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
    lock = require("filelock", "gallery").FileLock(place.with_name(f".{place.name}.lock"))
    with nullcontext() if "://" in uri else lock:
        if "://" in uri or (place.exists() and not (place.is_dir() and not any(place.iterdir()))):
            there = Gallery.open(uri, weights_hash=manifest.weights_hash, token=token)
            require_same(manifest.masks, there.manifest.masks, f"the gallery {uri}")
            return there
        return create_gallery(uri, manifest, token=token)
