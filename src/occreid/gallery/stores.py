"""Which store a URI names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from occreid.errors import UserError
from occreid.gallery.lance import LanceStore
from occreid.gallery.manifest import Manifest
from occreid.gallery.milvus import MilvusStore
from occreid.gallery.store import Store

TOKEN = "OCCREID_MILVUS_TOKEN"
"""Environment variable with ``user:password`` or the API key of a Milvus server, where no token is given."""


def create_store(uri: str, manifest: Manifest, token: str | None, memory: int) -> Store:
    """Make an empty store."""
    if is_milvus(uri):
        return MilvusStore.create(uri, manifest, token or os.environ.get(TOKEN))
    return LanceStore.create(Path(uri), manifest, memory)


def open_store(uri: str, token: str | None, memory: int) -> Store:
    """Open a store."""
    if is_milvus(uri):
        return MilvusStore.open(uri, token or os.environ.get(TOKEN))
    return LanceStore.open(Path(uri), memory)


def is_milvus(uri: str) -> bool:
    """Whether Milvus keeps this gallery: a server's address, or a file for the one in this process.

    Raises:
        UserError: an address of another kind.

    >>> is_milvus("http://localhost:19530"), is_milvus("galleries/door.db"), is_milvus("galleries/door")
    (True, True, False)
    """
    scheme = re.match(r"([a-z0-9+]+)://", uri)
    if scheme and scheme[1] not in ("http", "https"):
        raise UserError(
            f"a gallery cannot lie at {uri}.", "Give a folder, a file NAME.db, or a Milvus server's http://"
        )
    return bool(scheme) or uri.endswith(".db")
