"""Entries as they are shown: one, its picture, a page of them; to a key only those within its scope."""

from __future__ import annotations

from collections.abc import Sequence

from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Gallery
from occreid.serve import schemas
from occreid.serve.answers import entry_out, filter_facts
from occreid.serve.audit import AuditLog
from occreid.serve.caller import Caller
from occreid.serve.describing import Describer
from occreid.serve.headers import TooLarge
from occreid.serve.settings import Settings


class EntryNotFound(UserError):
    """An entry that does not exist or is out of the key's reach, or whose picture was not kept."""


class Reader:
    """Reads the gallery for callers.

    Args:
        gallery: what is read.
        describer: bounds the work on pictures.
        audit: where it is written down.
        settings: limits.
    """

    def __init__(self, gallery: Gallery, describer: Describer, audit: AuditLog, settings: Settings) -> None:
        self._gallery = gallery
        self._describer = describer
        self._audit = audit
        self._settings = settings

    def entry(self, caller: Caller, entry_id: str) -> Entry:
        """The whole entry.

        Raises:
            EntryNotFound: there is none, or not for this key: whether it exists is not told.
        """
        found = self._gallery.get([entry_id])
        if not found or not caller.scope.holds(found[0].camid, found[0].tags):
            raise EntryNotFound(f"there is no entry '{entry_id[:60]}'.", "It may have been deleted.")
        return found[0]

    def picture(self, caller: Caller, entry_id: str) -> bytes:
        """The kept picture of an entry, as a JPEG.

        Raises:
            EntryNotFound: no such entry, or no picture of it.
        """
        picture = self.entry(caller, entry_id).picture
        if picture is None:
            raise EntryNotFound(f"no picture of '{entry_id[:60]}' was kept.", "")
        return self._describer.plain(picture, f"the picture of {entry_id}")

    def pictures(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The kept pictures of entries, by id; read one by one, so that no more than the limit is ever held.

        Raises:
            TooLarge: together they are more than an answer holds.
        """
        kept, size, most = {}, 0, self._settings.max_answer
        for entry_id in ids:
            for entry in self._gallery.get([entry_id]):
                if entry.picture is not None:
                    kept[entry_id] = self._describer.plain(entry.picture, f"the picture of {entry_id}")
                    size += len(kept[entry_id])
            if size > most:
                raise TooLarge(f"the pictures are more than {most:,} bytes.", "Ask for fewer answers.")
        return kept

    def page(self, caller: Caller, cursor: str, limit: int, filter: Filter | None) -> schemas.Listed:
        """Entries in the order of their ids; nothing is answered before the audit log has it.

        Raises:
            UserError: more than a page may hold, a cursor that is none, or a camera out of the key's reach.
        """
        if not 1 <= limit <= self._settings.max_page:
            raise UserError(f"limit is {limit}.", f"Ask for 1 to {self._settings.max_page} entries.")
        filter = caller.scope.narrowed(filter)
        page = self._gallery.page(cursor, limit, filter)
        ids = [entry.id for entry in page.entries]
        self._audit.write("list", **caller.facts(), filter=filter_facts(filter), cursor=cursor or None, answers=ids)
        return schemas.Listed(entries=[entry_out(entry) for entry in page.entries], next=page.next)
