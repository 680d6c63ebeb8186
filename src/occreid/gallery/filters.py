"""Which entries of a gallery count in a search or a deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from occreid.errors import UserError
from occreid.gallery.checks import check_fits, checked_tags, checked_time


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries count; what is left at its default does not filter.

    Attributes:
        camids: only these cameras.
        start: only pictures taken at or after this moment, Unix seconds.
        end: only pictures taken before this moment, Unix seconds.
        tags: only entries that carry all of these.
        exclude_camid: no entries of this camera; ``"query"``: none of each query's own camera
            (`Descriptors.camids`). An entry whose camera is unknown stays.

    An entry without a time is never in a time range.

    Raises:
        UserError: an empty range of time, a tag or a camera that cannot be.

    >>> Filter(camids=(1, 2), start=1_700_000_000.0, tags=("staff",))
    Filter(camids=(1, 2), start=1700000000.0, end=None, tags=('staff',), exclude_camid=None)
    """

    camids: tuple[int, ...] | None = None
    start: float | None = None
    end: float | None = None
    tags: tuple[str, ...] = ()
    exclude_camid: int | Literal["query"] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # it is frozen
        if self.camids is not None:
            set_(self, "camids", tuple(sorted({check_fits("camera", camid) for camid in self.camids})))
        set_(self, "tags", checked_tags(self.tags))
        for name in ("start", "end"):
            if (moment := getattr(self, name)) is not None:
                set_(self, name, checked_time(moment, name))
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise UserError(f"no time lies from {self.start} to {self.end}.", "Give an end after the start.")
        if isinstance(self.exclude_camid, str):
            if self.exclude_camid != "query":
                raise UserError(f"there is no camera '{self.exclude_camid}'.", 'Give a number, or "query".')
        elif self.exclude_camid is not None:
            set_(self, "exclude_camid", check_fits("camera", self.exclude_camid))


def conditions(
    filter: Filter | None, holds_tag: Callable[[str], str], one_of: Callable[[str, Sequence[int]], str]
) -> list[str]:
    """What a filter asks of a row, in a store's language; what all languages write alike is written here.

    Args:
        filter: one without ``exclude_camid="query"``: a row does not know the query; None asks nothing.
        holds_tag: tag → the condition that a row carries it.
        one_of: column, numbers → the condition that the column holds one of them.
    """
    if filter is None:
        return []
    found = [holds_tag(tag) for tag in filter.tags]
    if filter.camids is not None:
        found.append(one_of("camid", filter.camids))
    if filter.start is not None:
        found.append(f"time >= {filter.start!r}")
    if filter.end is not None:
        found.append(f"time < {filter.end!r}")
    if filter.exclude_camid is not None:
        found.append(f"camid is null or camid != {int(filter.exclude_camid)}")
    return found
