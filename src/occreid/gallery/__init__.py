"""Described persons that can be searched: on disk without a server (LanceDB), or in a cluster (Milvus)."""

from occreid.gallery.copies import restore
from occreid.gallery.enrolment import AddReport
from occreid.gallery.entries import Entry, entries, picture_id
from occreid.gallery.errors import StorageError, StorageFull
from occreid.gallery.filters import Filter
from occreid.gallery.folder import search
from occreid.gallery.gallery import Gallery
from occreid.gallery.hit import Hit
from occreid.gallery.hits import Hits
from occreid.gallery.listing import Page
from occreid.gallery.manifest import Manifest
from occreid.gallery.opening import create_gallery, manifest_of, open_or_create
from occreid.gallery.stats import GalleryStats
from occreid.gallery.updating import Change, changes_of
from occreid.gallery.verify import VerifyReport

__all__ = [
    "AddReport",
    "Change",
    "Entry",
    "Filter",
    "Gallery",
    "GalleryStats",
    "Hit",
    "Hits",
    "Manifest",
    "Page",
    "StorageError",
    "StorageFull",
    "VerifyReport",
    "changes_of",
    "create_gallery",
    "entries",
    "manifest_of",
    "open_or_create",
    "picture_id",
    "restore",
    "search",
]
