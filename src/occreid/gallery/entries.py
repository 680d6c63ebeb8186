"""What goes into a gallery: `Entry`.

Letters: P parts, D dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery.checks import checked_ids, checked_name, checked_time
from occreid.names import checked_tags, whole_number

_ID_LENGTH = 32  # hexadecimal digits of SHA-256 that are kept: 128 bits


@dataclass(slots=True)
class Entry:
    """One picture of one person, described.

    Attributes:
        features: (P, D) float32; (D,) is accepted for one part.
        visibility: (P,) bool, True where the part was seen; left out, all parts are visible.
        id: letters, digits and ``._:/@+-``, up to 128. Left out, it is the hash of the picture's bytes, or of all
            the other fields where there is no picture: the same picture is then the same entry, whoever adds it.
        pid: what the person is called, a word or a number, where it is known; kept as text.
        camid: what the camera is called, likewise.
        timestamp: when the picture was taken, Unix seconds (UTC), where it is known.
        tags: words to filter by, e.g. ``("entrance", "staff")``; kept sorted, each once.
        path: where the picture lies.
        picture: the encoded picture (JPEG, PNG, …), where the gallery shall keep it.

    Raises:
        UserError: a field that cannot be kept, naming it.

    >>> entry = Entry(torch.zeros(3), camid="north gate", tags=("staff", "door"))
    >>> entry.features.shape, entry.visibility.tolist(), entry.camid, entry.tags, len(entry.id)
    (torch.Size([1, 3]), [True], 'north gate', ('door', 'staff'), 32)
    """

    features: Tensor
    visibility: Tensor = None  # type: ignore[assignment]  # a tensor once __post_init__ has run
    id: str = ""
    pid: str | None = None
    camid: str | None = None
    timestamp: float | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    picture: bytes | None = None
    time: InitVar[float | None] = None
    """The earlier name of ``timestamp``, still taken."""

    def __post_init__(self, time: float | None) -> None:
        self.timestamp = time if self.timestamp is None else self.timestamp
        self.features = torch.atleast_2d(torch.as_tensor(self.features)).detach().float().cpu()
        if self.visibility is None:
            self.visibility = torch.ones(len(self.features), dtype=torch.bool)
        self.visibility = torch.as_tensor(self.visibility).detach().cpu().bool()
        if self.features.ndim != 2 or self.visibility.shape != self.features.shape[:1]:
            raise UserError(
                f"features {tuple(self.features.shape)}, visibility {tuple(self.visibility.shape)} make no entry.",
                "Give features (parts, dimensions) and visibility (parts,).",
            )
        for name, kind in (("pid", "person"), ("camid", "camera")):
            if (given := getattr(self, name)) is not None:
                setattr(self, name, checked_name(kind, given))
        if self.timestamp is not None:
            self.timestamp = checked_time(self.timestamp)
        self.tags = checked_tags(self.tags)
        self.id = checked_ids([self.id])[0] if self.id else self._content_id()

    def _content_id(self) -> str:
        if self.picture is not None:
            return picture_id(self.picture)
        words = repr(
            (number_or_name(self.pid), number_or_name(self.camid), self.timestamp, self.tags, self.path)
        ).encode()
        parts = (self.features.numpy().tobytes(), self.visibility.numpy().tobytes(), words)
        return hashlib.sha256(b"".join(parts)).hexdigest()[:_ID_LENGTH]


Entry.time = property(lambda entry: entry.timestamp)  # type: ignore[assignment]  # else the default of the InitVar


def entries(
    descriptors: Descriptors,
    *,
    ids: Sequence[str] | None = None,
    timestamps: Sequence[float | None] | None = None,
    tags: Sequence[str] = (),
    own_tags: Sequence[Sequence[str]] | None = None,
    pictures: Sequence[bytes | None] | None = None,
) -> Iterator[Entry]:
    """Entries of described images, with the names and paths the descriptors carry; without names the pids and camids
    are the names, and −1 stands for unknown.

    Args:
        descriptors: N images.
        ids: N ids, else hashes (see `Entry`).
        timestamps: N moments, Unix seconds.
        tags: tags of all of them.
        own_tags: N times the tags of one besides.
        pictures: N encoded pictures.
    """
    persons = named(descriptors.persons, descriptors.pids)
    cameras = named(descriptors.cameras, descriptors.camids)
    for row in range(len(descriptors)):
        yield Entry(
            descriptors.features[row],
            descriptors.visibility[row],
            id=ids[row] if ids else "",
            pid=persons[row] if persons else None,
            camid=cameras[row] if cameras else None,
            timestamp=timestamps[row] if timestamps else None,
            tags=(*tags, *(own_tags[row] if own_tags else ())),
            path=descriptors.paths[row] if descriptors.paths else None,
            picture=pictures[row] if pictures else None,
        )


def named(names: Sequence[str | None] | None, numbers: Tensor | None) -> list[str | None] | None:
    """Names of N persons or cameras: their own, else their numbers; None where they are not known.

    >>> named(None, torch.tensor([3, -1]))
    ['3', None]
    """
    if names is not None:
        return list(names)
    return None if numbers is None else [str(number) if number >= 0 else None for number in numbers.tolist()]


def number_or_name(name: str | None) -> int | str | None:
    """A name as it went into ids when galleries knew numbers only, so that the same entry keeps its id."""
    return name if name is None or (number := whole_number(name)) is None else number


def picture_id(picture: bytes) -> str:
    """The id an entry of this picture gets when none is given: 128 bits of the SHA-256 of its bytes.

    >>> picture_id(b"")
    'e3b0c44298fc1c149afbf4c8996fb924'
    """
    return hashlib.sha256(picture).hexdigest()[:_ID_LENGTH]
