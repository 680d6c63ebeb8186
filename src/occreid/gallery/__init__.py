"""Described persons that can be searched: on disk without a server (LanceDB), or in a cluster (Milvus)."""

from occreid.gallery.audit import GalleryStats, VerifyReport
from occreid.gallery.entries import Entry, Filter, Hit, entries, picture_id
from occreid.gallery.folder import search
from occreid.gallery.gallery import AddReport, Gallery
from occreid.gallery.hits import Hits
from occreid.gallery.manifest import Manifest

__all__ = [
    "AddReport",
    "Entry",
    "Filter",
    "Gallery",
    "GalleryStats",
    "Hit",
    "Hits",
    "Manifest",
    "VerifyReport",
    "entries",
    "picture_id",
    "search",
]
