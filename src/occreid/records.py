"""The vocabulary of data: what one image is (`Record`), what a benchmark is (`Split`), what a step sees (`Batch`).

Nothing here imports torch at run time, so that reading a benchmark's layout stays light.

Letters: B images in a batch, H × W pixels, P body parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occreid.display import html_table

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PART_NAMES = ("head", "torso_arms", "upper_legs", "lower_legs_feet")
"""The four body parts of HPNet (papers: HPNet, Section 3.1). In a part mask, pixel value 0 is
background or occluder and value p + 1 is part ``PART_NAMES[p]``."""


SPLIT_PARTS = ("train", "query", "gallery")
"""The parts of a benchmark."""


@dataclass(frozen=True, slots=True)
class Record:
    """One image of one person, as a benchmark's files describe it.

    Attributes:
        path: the image file.
        pid: person id as the benchmark numbers it; 0 may be a distractor that matches nobody
            (see `Split.distractor_pids`). Junk (pid −1 of Market-1501) never becomes a record.
        camid: camera id, zero-based.
        occluded: True or False where the benchmark says so, else None.
        mask: part-mask PNG (values of `PART_NAMES`), where there is one.
        visibility: visible fraction in [0, 1] of each part of `PART_NAMES`, where it is known exactly.
        occluder_kind: what hides the person ("car", "person", …), where it is known.
        occluder_id: which occluder it is, where it is known.
        time: seconds since an arbitrary start, where the benchmark carries time.
        timestamp: when it was taken, Unix seconds (UTC), where a table says so.
        tags: words to filter by, where a table gives some.
        person: what the person is called where that is not the number ``pid``, e.g. ``"zoe"``.
        camera: what the camera is called where that is not the number ``camid``, e.g. ``"door"``, or ``"3"`` where
            files count from 1; empty where the camera is not known. Names are for people and galleries: two records
            that differ only there are equal.
    """

    path: Path
    pid: int
    camid: int
    occluded: bool | None = None
    mask: Path | None = None
    visibility: tuple[float, ...] | None = None
    occluder_kind: str | None = None
    occluder_id: str | None = None
    time: float | None = None
    timestamp: float | None = None
    tags: tuple[str, ...] = ()
    person: str | None = field(default=None, compare=False)
    camera: str | None = field(default=None, compare=False)

    @property
    def person_name(self) -> str | None:
        """The person's name, its number where it has no other; None: not known."""
        return _name(self.person, self.pid)

    @property
    def camera_name(self) -> str | None:
        """The camera's name, its number where it has no other; None: not known."""
        return _name(self.camera, self.camid)


def _name(name: str | None, number: int) -> str | None:
    return (str(number) if number >= 0 else None) if name is None else name or None


@dataclass(frozen=True, slots=True, repr=False)
class Split:
    """A benchmark read from disk: three lists of records and the facts an evaluation must state.

    Attributes:
        name: the benchmark, e.g. ``"market1501"``.
        train, query, gallery: records sorted by path; ``train`` is empty for test-only sets.
        same_camera: the camera rule the benchmark's protocol asks for, ``"junk"`` or ``"keep"``.
        distractor_pids: gallery pids that match nobody (Market-1501: {0}).
        notes: facts that belong in every result file, e.g. ``{"train": "trainval"}`` for MSMT17.
    """

    name: str
    train: tuple[Record, ...]
    query: tuple[Record, ...]
    gallery: tuple[Record, ...]
    same_camera: str = "junk"
    distractor_pids: frozenset[int] = frozenset()
    notes: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        parts = (f"{part}: {c['images']} images of {c['ids']} ids" for part, c in self.counts().items() if c["images"])
        return f"Split({self.name}: {', '.join(parts) or 'empty'}; same camera: {self.same_camera})"

    def _repr_html_(self) -> str:
        rows = [(part, *counts.values()) for part, counts in self.counts().items()]
        return html_table(("part", "images", "ids", "cameras"), rows, self.name)

    @property
    def records(self) -> tuple[Record, ...]:
        """All of them: training, queries, gallery."""
        return (*self.train, *self.query, *self.gallery)

    def counts(self) -> dict[str, dict[str, int]]:
        """Images, ids and cameras of each part, e.g. ``{"query": {"images": 3368, "ids": 750, "cameras": 6}}``."""
        return {
            part: {
                "images": len(records),
                "ids": len({r.pid for r in records} - self.distractor_pids),
                "cameras": len({r.camid for r in records}),
            }
            for part, records in zip(SPLIT_PARTS, (self.train, self.query, self.gallery), strict=True)
        }


def class_indices(records: Iterable[Record]) -> dict[int, int]:
    """Map each pid to a class index 0…C−1, in sorted order so that every process agrees.

    >>> class_indices([Record(Path("b"), 9, 0), Record(Path("a"), 2, 1), Record(Path("c"), 9, 1)])
    {2: 0, 9: 1}
    """
    return {pid: index for index, pid in enumerate(sorted({r.pid for r in records}))}


@dataclass(slots=True)
class Batch:
    """What one training step sees.

    Attributes:
        images: (B, 3, H, W) RGB, uint8 in 0…255 or floating point in [0, 1]; never normalised: a method
            normalises inside itself, so nobody can normalise twice.
        labels: (B,) int64, the class index 0…C−1 of `class_indices`.
        camids: (B,) int64, zero-based.
        indices: (B,) int64, position of each image in the training records.
        masks: (B, H, W) uint8 part masks (see `PART_NAMES`), or None.
        visibility: (B, P) float32 visible fraction of each part in [0, 1], or None.
    """

    images: Tensor
    labels: Tensor
    camids: Tensor
    indices: Tensor
    masks: Tensor | None = None
    visibility: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch on another device."""
        return self._map(lambda t: t.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The same batch in pinned memory, for the data loader."""
        return self._map(lambda t: t.pin_memory())

    def _map(self, change: Any) -> Batch:
        present = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(self, **{name: change(tensor) for name, tensor in present.items()})
