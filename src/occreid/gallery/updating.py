"""Changing what is known of entries: names, time and tags. Pictures and descriptors stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occreid.data.images import read_bytes
from occreid.errors import UserError
from occreid.gallery.checks import checked_ids, checked_time, name_or_none
from occreid.gallery.entries import picture_id
from occreid.gallery.filters import Filter
from occreid.gallery.store import Store
from occreid.names import checked_tags
from occreid.records import Record
from occreid.timestamps import check_timestamp

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 1024  # rows of one commit
COLUMNS = ("id", "person", "camera", "time", "tags")
"""What a change concerns."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of an entry; what is left at None stays.

    Attributes:
        pid: the person's name; empty: not known.
        camid: the camera's name; empty: not known.
        timestamp: Unix seconds; below 0: not known.
        tags: all of them anew.
        add_tags: besides those that it has.
        remove_tags: no longer; one that it has not is no error.

    Raises:
        UserError: a value that cannot be kept.

    >>> Change(camid="hall", add_tags=("staff",))
    Change(pid=None, camid='hall', timestamp=None, tags=None, add_tags=('staff',), remove_tags=())
    """

    pid: str | None = None
    camid: str | None = None
    timestamp: float | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # it is frozen
        for name, kind in (("pid", "person"), ("camid", "camera")):
            if (given := getattr(self, name)) is not None:
                set_(self, name, name_or_none(kind, given) or "")
        if self.timestamp is not None and not self.timestamp < 0:  # NaN is checked, too
            set_(self, "timestamp", checked_time(self.timestamp))
        for name in ("tags", "add_tags", "remove_tags"):
            if (given := getattr(self, name)) is not None:
                set_(self, name, checked_tags(given))
        if both := sorted(set(self.add_tags) & set(self.remove_tags)):
            raise UserError(f"the tag {both[0]!r} is to be added and removed.", "Say one of the two.")

    @property
    def is_nothing(self) -> bool:
        """Whether it changes nothing."""
        return self.tags is None and all(getattr(self, field.name) in (None, ()) for field in fields(self))

    def of(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of `COLUMNS`, changed."""
        made = dict(row)
        if self.pid is not None:
            made["person"] = self.pid or None
        if self.camid is not None:
            made["camera"] = self.camid or None
        if self.timestamp is not None:
            made["time"] = None if self.timestamp < 0 else self.timestamp
        tags = set(row["tags"] if self.tags is None else self.tags) | set(self.add_tags)
        return {**made, "tags": sorted(tags - set(self.remove_tags))}


def changes_of(records: Sequence[Record], change: Change, *, start: float | None = None) -> dict[str, Change]:
    """Changes by id for pictures that a gallery knows: a change, and what records say besides.

    Args:
        records: N pictures, read for their ids; their names and timestamps count where ``change`` gives none, their
            tags are added.
        change: of all of them.
        start: Unix seconds from which `Record.time` counts, as `Gallery.enrol` takes it.

    Raises:
        UserError: an unreadable picture, a value that cannot be kept, or one picture (by its bytes) with two names.
    """
    start = None if start is None else check_timestamp(start, "start")
    made: dict[str, Change] = {}
    first: dict[str, Record] = {}
    for record in records:
        name = picture_id(read_bytes(record.path))
        one = replace(
            change,
            pid=record.person_name if change.pid is None else change.pid,
            camid=record.camera_name if change.camid is None else change.camid,
            timestamp=_moment(record, start) if change.timestamp is None else change.timestamp,
            add_tags=(*change.add_tags, *record.tags),
        )
        made[name] = one if name not in made else _both(made[name], one, first[name].path, record.path)
        first.setdefault(name, record)
    return made


def _both(one: Change, other: Change, first: Path, second: Path) -> Change:
    """Two changes of one picture as one: what one of them leaves open the other says, and tags add up.

    Raises:
        UserError: they contradict each other.
    """
    told: dict[str, Any] = {}
    for name, word in (("pid", "person"), ("camid", "camera"), ("timestamp", "time")):
        values = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        if len(set(values)) > 1:
            place = str(first) if first == second else f"{first} and {second}, the same picture,"
            raise UserError(
                f"{place} is given the {word} {values[0]!r} and {values[1]!r}.", "Leave one of the two lines out."
            )
        told[name] = values[0] if values else None
    return replace(one, **told, add_tags=tuple(dict.fromkeys((*one.add_tags, *other.add_tags))))


def _moment(record: Record, start: float | None) -> float | None:
    """When a record was taken, where it is known; see `changes_of`."""
    if record.timestamp is not None or start is None:
        return record.timestamp
    return check_timestamp(start + (record.time or 0.0))


def update(store: Store, changes: Mapping[str, Change] | Change, filter: Filter | None) -> int:
    """See `Gallery.update`."""
    if isinstance(changes, Change):
        if filter in (None, Filter()):
            raise UserError("this would change everything.", "Give ids or a filter.")
        names = [name for block in store.scan(["id"], filter) for name in block.column("id").to_pylist()]
        changes = dict.fromkeys(names, changes)
    elif filter is not None:
        raise UserError("changes by id and a filter do not go together.", "Give one of the two.")
    if changes and all(change.is_nothing for change in changes.values()):
        raise UserError("nothing is to be changed.", "Give a person, a camera, a time or tags.")
    by_id, ids = changes, checked_ids([*changes])

    def changed(rows: pa.Table) -> pa.Table:
        return _with(rows, [by_id[row["id"]].of(row) for row in rows.select(list(COLUMNS)).to_pylist()])

    batches = (ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE))
    return sum(store.change(some, changed, filter) for some in batches)


def _with(rows: pa.Table, changed: list[dict[str, Any]]) -> pa.Table:
    """Whole rows with `COLUMNS` anew."""
    import pyarrow as pa

    for name in COLUMNS:
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(place)
        rows = rows.set_column(place, field, pa.array([row[name] for row in changed], field.type))
    return rows
