"""How far a key reaches: cameras and tags outside of which it sees, adds and deletes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from occreid.errors import UserError
from occreid.gallery.filters import Filter


class OutOfScope(UserError):
    """A key asks for, or would add, what lies beyond its reach."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key reaches; the defaults reach everything.

    Attributes:
        camids: only entries of these cameras, by name; an entry whose camera is unknown is out of reach.
        tags: only entries that carry all of these.

    Raises:
        UserError: a camera or a tag that cannot be.

    >>> Scope(camids=("02",)).camids, Scope(camids=(2,)).holds("2", ()), Scope(tags=("hall",)).holds("2", ("door",))
    (('2',), True, False)
    """

    camids: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        held = Filter(camids=self.camids, tags=self.tags)  # in one spelling
        object.__setattr__(self, "camids", held.camids)
        object.__setattr__(self, "tags", held.tags)

    @property
    def whole(self) -> bool:
        """Whether everything is within it."""
        return self.camids is None and not self.tags

    def holds(self, camid: str | None, tags: Sequence[str]) -> bool:
        """Whether an entry of this camera and with these tags is within it."""
        return (self.camids is None or camid in self.camids) and set(self.tags) <= set(tags)

    def narrowed(self, filter: Filter | None) -> Filter | None:
        """A filter that lets nothing through from outside.

        Raises:
            OutOfScope: it asks for a camera outside: an empty answer would look as if nobody had been there.
        """
        if self.whole:
            return filter
        filter = filter or Filter()
        if self.camids is not None:
            for camid in filter.camids or ():
                if camid not in self.camids:
                    raise OutOfScope(f"this key does not reach the camera {camid}.", self.hint())
        camids = self.camids if filter.camids is None else filter.camids
        return replace(filter, camids=camids, tags=(*filter.tags, *self.tags))

    def check(self, camid: str | None, tags: Sequence[str]) -> None:
        """Nothing, if an entry of this camera and with these tags may be added.

        Raises:
            OutOfScope: it may not.
        """
        if not self.holds(camid, tags):
            raise OutOfScope("this key cannot add such an entry.", self.hint())

    def require_whole(self, what: str) -> None:
        """Nothing, if the key reaches everything.

        Raises:
            OutOfScope: it does not, and ``what`` tells of everything.
        """
        if not self.whole:
            raise OutOfScope(f"{what} tell of the whole gallery, this key reaches a part.", self.hint())

    def hint(self) -> str:
        """What is within it, in words."""
        cameras = [] if self.camids is None else [f"cameras {', '.join(self.camids)}"]
        tags = [f"entries tagged {', '.join(self.tags)}"] if self.tags else []
        return f"It reaches only {' and '.join(cameras + tags)}."
