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
from occreid.gallery.checks import check_fits, checked_ids, checked_tags, checked_time

_ID_LENGTH = 32  # hexadecimal digits of SHA-256 that are kept: 128 bits


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
        timestamp: when the picture was taken, Unix seconds (UTC), where it is known.
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
    timestamp: float | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    picture: bytes | None = None
    time: InitVar[float | None] = None
    """The earlier name of ``timestamp``, still taken."""

    def __post_init__(self, time: float | None) -> None:
        self.timestamp = time if self.timestamp is None else self.timestamp
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
                setattr(self, name, check_fits(name, number))
        if self.timestamp is not None:
            self.timestamp = checked_time(self.timestamp)
        self.tags = checked_tags(self.tags)
        self.id = checked_ids([self.id])[0] if self.id else self._content_id()

    def _content_id(self) -> str:
        if self.picture is not None:
            return picture_id(self.picture)
        words = repr((self.pid, self.camid, self.timestamp, self.tags, self.path)).encode()
        parts = (self.features.numpy().tobytes(), self.visibility.numpy().tobytes(), words)
        return hashlib.sha256(b"".join(parts)).hexdigest()[:_ID_LENGTH]


Entry.time = property(lambda entry: entry.timestamp)  # type: ignore[assignment]  # else the default of the InitVar


def entries(
    descriptors: Descriptors,
    *,
    ids: Sequence[str] | None = None,
    timestamps: Sequence[float | None] | None = None,
    tags: Sequence[str] = (),
    pictures: Sequence[bytes | None] | None = None,
) -> Iterator[Entry]:
    """Entries of described images, with the pids, camids and paths the descriptors carry; −1 stands for unknown.

    Args:
        descriptors: N images.
        ids: N ids, else hashes (see `Entry`).
        timestamps: N moments, Unix seconds.
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
            timestamp=timestamps[row] if timestamps else None,
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
