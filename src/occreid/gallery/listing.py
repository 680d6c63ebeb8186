"""Entries one page after the other, in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass

from occreid.errors import UserError
from occreid.gallery.checks import checked_ids
from occreid.gallery.entries import Entry
from occreid.gallery.errors import read_whole
from occreid.gallery.filters import Filter
from occreid.gallery.rows import to_entries
from occreid.gallery.store import Store


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and where the next page begins.

    Attributes:
        entries: in the order of their ids.
        next: the ``after`` of the next page; None: this is the last.
    """

    entries: list[Entry]
    next: str | None


def page(store: Store, after: str, limit: int, filter: Filter | None) -> Page:
    """See `Gallery.page`; reads the ids of all rows that pass the filter, and whole rows of one page only."""
    if limit < 1:
        raise UserError(f"a page cannot hold {limit} entries.", "Ask for at least 1.")
    if filter is not None and filter.exclude_own:
        raise UserError("there is no query whose camera could be excluded.", "Give exclude_camid a camera.")
    if after:
        checked_ids([after])
    return read_whole(lambda: _read(store, after, limit, filter))


def _read(store: Store, after: str, limit: int, filter: Filter | None) -> Page:
    ids: list[str] = []
    for batch in store.scan(["id"], filter):
        ids = sorted([*ids, *(name for name in batch.column("id").to_pylist() if name > after)])[: limit + 1]
    found = {entry.id: entry for entry in to_entries(store.fetch(ids[:limit]), store.manifest)} if ids else {}
    entries = [found[name] for name in ids[:limit] if name in found]  # one may have been deleted meanwhile
    return Page(entries, ids[limit - 1] if len(ids) > limit else None)
