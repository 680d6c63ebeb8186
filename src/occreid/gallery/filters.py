"""Which entries of a gallery count in a search or a deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from occreid.errors import UserError
from occreid.gallery.checks import checked_name, checked_time
from occreid.names import checked_tags, name_order


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
        pids: only these persons, by name; an entry whose person is unknown is none of them.

    An entry without a time is never in a time range.

    Raises:
        UserError: an empty range of time, a tag or a camera that cannot be.

    >>> Filter(camids=("door", 2, "02")).camids
    ('2', 'door')
    """

    camids: tuple[str, ...] | None = None
    start: float | None = None
    end: float | None = None
    tags: tuple[str, ...] = ()
    exclude_camid: str | None = None
    exclude_own: bool = False
    pids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # it is frozen
        for field, kind in (("camids", "camera"), ("pids", "person")):
            if (given := getattr(self, field)) is not None:
                if not isinstance(given, Iterable) or isinstance(given, str):  # a text is no list of letters
                    raise UserError(f"the {field} {given!r} are one {kind}.", f"Give several in a tuple: ({given!r},)")
                set_(self, field, tuple(sorted({checked_name(kind, name) for name in given}, key=name_order)))
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
    person: str = "person",
) -> list[str]:
    """What a filter asks of a row, in a store's language; what all languages write alike is written here.

    Args:
        filter: its ``exclude_own`` is not looked at: a row does not know the query; None asks nothing.
        holds_tag: tag → the condition that a row carries it.
        one_of: column, names → the condition that the column holds one of them.
        literals: names → as the store writes them; those that no row can have may be left out.
        camera: the column of cameras' names, or what stands for it.
        person: likewise of persons.
    """
    if filter is None:
        return []
    require_filter(filter)
    found = [holds_tag(tag) for tag in filter.tags]
    if filter.camids is not None:
        found.append(one_of(camera, filter.camids))
    if filter.pids is not None:
        found.append(one_of(person, filter.pids))
    if filter.start is not None:
        found.append(f"time >= {filter.start!r}")
    if filter.end is not None:
        found.append(f"time < {filter.end!r}")
    if filter.exclude_camid is not None:
        found += [f"{camera} is null or {camera} != {name}" for name in literals([filter.exclude_camid])]
    return found


def require_filter(filter: object) -> None:
    """Refuse what is no filter, a table of its fields for instance.

    Raises:
        UserError: naming it.
    """
    if not isinstance(filter, Filter | None):
        raise UserError(f"{filter!r} is no filter.", "Give occreid.gallery.Filter(camids=(…,), start=…, tags=(…,)).")


def check_deletion(ids: Sequence[str] | None, before: float | None, filter: Filter | None) -> None:
    """Refuse to delete without a condition.

    Raises:
        UserError: nothing is given, which would delete everything, or a filter that needs a query.
    """
    require_filter(filter)
    if ids is None and before is None and filter in (None, Filter()):
        raise UserError("this would delete everything.", "Give ids, a time or a filter.")
    if filter is not None and filter.exclude_own:
        raise UserError("there is no query whose camera could be excluded.", "Give exclude_camid a camera.")
