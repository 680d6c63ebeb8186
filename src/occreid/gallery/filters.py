"""Which entries of a gallery count in a search or a deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from occreid.errors import UserError
from occreid.gallery.checks import checked_name, checked_tags, checked_time
from occreid.names import name_order


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries count; what is left at its default does not filter.

    Attributes:
        camids: only these cameras, by name; a number is one, too.
        start: only pictures taken at or after this moment, Unix seconds.
        end: only pictures taken before this moment, Unix seconds.
        tags: only entries that carry all of these.
        exclude_camid: no entries of this camera; an entry whose camera is unknown stays.
        exclude_own: no entries of each query's own camera (`Descriptors.cameras`, else ``camids``).

    An entry without a time is never in a time range.

    Raises:
        UserError: an empty range of time, a tag or a camera that cannot be.

    >>> Filter(camids=("door", 2), tags=("staff",))
    Filter(camids=('2', 'door'), start=None, end=None, tags=('staff',), exclude_camid=None, exclude_own=False)
    """

    camids: tuple[str, ...] | None = None
    start: float | None = None
    end: float | None = None
    tags: tuple[str, ...] = ()
    exclude_camid: str | None = None
    exclude_own: bool = False

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # it is frozen
        if self.camids is not None:
            names = {checked_name("camera", camid) for camid in self.camids}
            set_(self, "camids", tuple(sorted(names, key=name_order)))
        set_(self, "tags", checked_tags(self.tags))
        for name in ("start", "end"):
            if (moment := getattr(self, name)) is not None:
                set_(self, name, checked_time(moment, name))
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise UserError(f"no time lies from {self.start} to {self.end}.", "Give an end after the start.")
        if self.exclude_camid is not None:
            set_(self, "exclude_camid", checked_name("camera", self.exclude_camid))


def conditions(
    filter: Filter | None,
    holds_tag: Callable[[str], str],
    one_of: Callable[[str, Sequence[str]], str],
    literals: Callable[[Sequence[str]], Sequence[str]],
    camera: str = "camera",
) -> list[str]:
    """What a filter asks of a row, in a store's language; what all languages write alike is written here.

    Args:
        filter: its ``exclude_own`` is not looked at: a row does not know the query; None asks nothing.
        holds_tag: tag → the condition that a row carries it.
        one_of: column, names → the condition that the column holds one of them.
        literals: names → as the store writes them; those that no row can have may be left out.
        camera: the column of cameras' names, or what stands for it.
    """
    if filter is None:
        return []
    found = [holds_tag(tag) for tag in filter.tags]
    if filter.camids is not None:
        found.append(one_of(camera, filter.camids))
    if filter.start is not None:
        found.append(f"time >= {filter.start!r}")
    if filter.end is not None:
        found.append(f"time < {filter.end!r}")
    if filter.exclude_camid is not None:
        found += [f"{camera} is null or {camera} != {name}" for name in literals([filter.exclude_camid])]
    return found
