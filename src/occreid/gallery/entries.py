"""What goes into a gallery (`Entry`), what narrows a search (`Filter`) and what comes back (`Hit`).

Letters: P parts, D dimensions.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError

_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
_TAG = re.compile(r"[\w.:/@+-][\w .:/@+-]{0,63}")
_ID_LENGTH = 32  # hexadecimal digits of SHA-256 that are kept: 128 bits
_INT64 = 2**63


@dataclass(slots=True)
class Entry:
    """One picture of one person, described.

    Attributes:
        features: (P, D) float32; (D,) is accepted for one part.
        visibility: (P,) bool, True where the part was seen; left out, all parts are visible.
        id: letters, digits and ``._:/@+-``, up to 128. Left out, it is the hash of the picture's bytes, or of all
            the other fields where there is no picture: the same picture is then the same entry, whoever adds it.
        pid: person id, where it is known.
        camid: camera id, where it is known.
        time: when the picture was taken, Unix seconds (UTC), where it is known.
        tags: words to filter by, e.g. ``("entrance", "staff")``; kept sorted, each once.
        path: where the picture lies.
        picture: the encoded picture (JPEG, PNG, …), where the gallery shall keep it.

    Raises:
        UserError: a field that cannot be kept, naming it.

    >>> entry = Entry(torch.zeros(3), camid=2, tags=("staff", "door"))
    >>> entry.features.shape, entry.visibility.tolist(), entry.tags, len(entry.id)
    (torch.Size([1, 3]), [True], ('door', 'staff'), 32)
    """

    features: Tensor
    visibility: Tensor = None  # type: ignore[assignment]  # a tensor once __post_init__ has run
    id: str = ""
    pid: int | None = None
    camid: int | None = None
    time: float | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    picture: bytes | None = None

    def __post_init__(self) -> None:
        self.features = torch.atleast_2d(self.features).detach().float().cpu()
        if self.visibility is None:
            self.visibility = torch.ones(len(self.features), dtype=torch.bool)
        self.visibility = self.visibility.detach().cpu().bool()
        if self.features.ndim != 2 or self.visibility.shape != self.features.shape[:1]:
            raise UserError(
                f"features {tuple(self.features.shape)}, visibility {tuple(self.visibility.shape)} make no entry.",
                "Give features (parts, dimensions) and visibility (parts,).",
            )
        for name in ("pid", "camid"):
            if (number := getattr(self, name)) is not None:
                _check_fits(name, number)
        if self.time is not None:
            check_moment(self.time)
        self.tags = checked_tags(self.tags)
        self.id = checked_ids([self.id])[0] if self.id else self._content_id()

    def _content_id(self) -> str:
        if self.picture is not None:
            return picture_id(self.picture)
        words = repr((self.pid, self.camid, self.time, self.tags, self.path)).encode()
        parts = (self.features.numpy().tobytes(), self.visibility.numpy().tobytes(), words)
        return hashlib.sha256(b"".join(parts)).hexdigest()[:_ID_LENGTH]


def entries(
    descriptors: Descriptors,
    *,
    ids: Sequence[str] | None = None,
    times: Sequence[float | None] | None = None,
    tags: Sequence[str] = (),
    pictures: Sequence[bytes | None] | None = None,
) -> Iterator[Entry]:
    """Entries of described images, with the pids, camids and paths the descriptors carry; −1 stands for unknown.

    Args:
        descriptors: N images.
        ids: N ids, else hashes (see `Entry`).
        times: N moments, Unix seconds.
        tags: tags of all of them.
        pictures: N encoded pictures.
    """
    pids = None if descriptors.pids is None else descriptors.pids.tolist()
    camids = None if descriptors.camids is None else descriptors.camids.tolist()
    for row in range(len(descriptors)):
        yield Entry(
            descriptors.features[row],
            descriptors.visibility[row],
            id=ids[row] if ids else "",
            pid=pids[row] if pids and pids[row] >= 0 else None,
            camid=camids[row] if camids and camids[row] >= 0 else None,
            time=times[row] if times else None,
            tags=tuple(tags),
            path=descriptors.paths[row] if descriptors.paths else None,
            picture=pictures[row] if pictures else None,
        )


def picture_id(picture: bytes) -> str:
    """The id an entry of this picture gets when none is given: 128 bits of the SHA-256 of its bytes.

    >>> picture_id(b"")
    'e3b0c44298fc1c149afbf4c8996fb924'
    """
    return hashlib.sha256(picture).hexdigest()[:_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries count; what is left at its default does not narrow.

    Attributes:
        cameras: only these cameras.
        start: only pictures taken at or after this moment, Unix seconds.
        end: only pictures taken before this moment, Unix seconds.
        tags: only entries that carry all of these.
        exclude_camera: no entries of this camera; ``"query"``: none of each query's own camera
            (`Descriptors.camids`). An entry whose camera is unknown stays.

    An entry without a time is never in a time range.

    Raises:
        UserError: an empty range of time, a tag or a camera that cannot be.

    >>> Filter(cameras=(1, 2), start=1_700_000_000.0, tags=("staff",))
    Filter(cameras=(1, 2), start=1700000000.0, end=None, tags=('staff',), exclude_camera=None)
    """

    cameras: tuple[int, ...] | None = None
    start: float | None = None
    end: float | None = None
    tags: tuple[str, ...] = ()
    exclude_camera: int | Literal["query"] | None = None

    def __post_init__(self) -> None:
        if self.cameras is not None:
            object.__setattr__(self, "cameras", tuple(sorted({int(c) for c in self.cameras})))
        object.__setattr__(self, "tags", checked_tags(self.tags))
        for moment in (self.start, self.end):
            if moment is not None:
                check_moment(moment)
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise UserError(f"no time lies from {self.start} to {self.end}.", "Give an end after the start.")
        if isinstance(self.exclude_camera, str) and self.exclude_camera != "query":
            raise UserError(f"there is no camera '{self.exclude_camera}'.", 'Give a number, or "query".')
        if self.exclude_camera not in (None, "query"):
            object.__setattr__(self, "exclude_camera", int(self.exclude_camera))
            _check_fits("camera", self.exclude_camera)
        for camera in self.cameras or ():
            _check_fits("camera", camera)


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search.

    Attributes:
        id, pid, camid, time, tags, path: as the entry's.
        visibility: which parts of the entry were seen, one bool per part.
        distance: to the query under the gallery's metric, smaller is nearer.
        score: the same as a similarity in [0, 1], 1 for equal descriptors (`score`); not a probability.
    """

    id: str
    pid: int | None
    camid: int | None
    time: float | None
    tags: tuple[str, ...]
    path: str | None
    visibility: tuple[bool, ...]
    distance: float
    score: float


def score(distance: float, metric: str) -> float:
    """A distance as a similarity in [0, 1]: 1 − d/2 where distances end at 2, else 1 / (1 + d).

    >>> score(0.5, "cosine"), score(3.0, "euclidean")
    (0.75, 0.25)
    """
    return 1 / (1 + distance) if metric == "euclidean" else min(max(1 - distance / 2, 0.0), 1.0)


def check_moment(moment: float) -> None:
    """Nothing, if this is a moment in Unix seconds.

    Raises:
        UserError: it is NaN or infinite.
    """
    if not math.isfinite(moment):
        raise UserError(f"the time {moment} is not a moment.", "Give Unix seconds, or None where it is unknown.")


def _check_fits(name: str, number: int) -> None:
    if not -_INT64 < number < _INT64:
        raise UserError(f"the {name} {number} does not fit 64 bits.", "Give a smaller number.")


def checked_ids(ids: Sequence[str]) -> list[str]:
    """The ids, if each is one.

    Raises:
        UserError: naming the first that is not.
    """
    for name in ids:
        if not _ID.fullmatch(name):
            raise UserError(
                f"{name[:60]!r} is not an id.", "Ids are 1 to 128 letters without accents, digits and ._:/@+-"
            )
    return list(ids)


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags, sorted, each once.

    Raises:
        UserError: naming the first that is not a tag.
    """
    if isinstance(tags, str):
        raise UserError(f"the tags {tags!r} are one text.", f"Give several in a tuple: ({tags!r},)")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UserError(f"{tag[:60]!r} is not a tag.", "Tags are 1 to 64 letters, digits, blanks and _.:/@+-")
    return tuple(sorted(set(tags)))
