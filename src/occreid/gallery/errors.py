"""What is the disk's or the server's fault and not the caller's."""

from __future__ import annotations

from occreid.errors import UserError


class StorageError(UserError):
    """The place a gallery lies in cannot be read or written; the message is for whoever runs it, it names the place."""


class StorageFull(StorageError):
    """Something could not be written: the disk is full or refuses. What was there is as it was."""

    done = "nothing was done."
    """What was done before, for whoever asked for it."""
