"""Who is seen where: the split of the generated benchmark, after the protocol of OPReID (SSGR paper).

Training ids have 5 to 20 images, about 15 % of them occluded. Each query id has one occluded query and, from
two other cameras, one occluded and one holistic gallery image. Other gallery ids have 1 to 3 of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.errors import UserError, did_you_mean


@dataclass(frozen=True, slots=True)
class Size:
    """How many ids of each sort, and how many cameras."""

    train: int
    query: int
    others: int
    cameras: int


SIZES = {"tiny": Size(6, 4, 2, 4), "demo": Size(60, 80, 30, 6), "large": Size(750, 350, 150, 10)}


@dataclass(frozen=True, slots=True)
class Shot:
    """One image to make.

    Attributes:
        split: train, query or gallery.
        pid: from 1; camid: zero-based; number: of the image among its person's.
        occluded: whether something must hide a part of the person.
        time: seconds since the cameras were switched on.
    """

    split: str
    pid: int
    camid: int
    number: int
    occluded: bool
    time: float

    @property
    def name(self) -> str:
        """File name without suffix, as Market-1501 writes it."""
        return f"{self.pid:04d}_c{self.camid + 1}s1_{round(self.time * 25):06d}_{self.number:02d}"

    @property
    def folder(self) -> str:
        """The folder of Market-1501's layout it belongs to."""
        return {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}[self.split]


def get_size(size: str) -> Size:
    """The size of that name.

    Raises:
        UserError: there is none of that name.
    """
    if size not in SIZES:
        raise UserError(f"there is no size '{size}' of occsynth.", did_you_mean(size, SIZES))
    return SIZES[size]


def plan_person(pid: int, size: Size, seed: int) -> list[Shot]:
    """All images of one person; a pure function of its arguments."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2, pid]))
    cameras = [int(c) for c in rng.permutation(size.cameras)]
    if pid <= size.train:
        count = int(rng.integers(5, 21))
        used = cameras[: int(rng.integers(2, size.cameras + 1))]
        rows = [("train", used[i % len(used)], bool(rng.random() < 0.15)) for i in range(count)]
    elif pid <= size.train + size.query:
        rows = [("query", cameras[0], True), ("gallery", cameras[1], True), ("gallery", cameras[2], False)]
    else:
        hidden, whole = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        rows = [("gallery", cameras[i % len(cameras)], i < hidden) for i in range(hidden + whole)]
    start = float(rng.uniform(0, 3000))
    times = np.round(start + np.cumsum(rng.uniform(2, 40, len(rows))), 2)
    return [
        Shot(split, pid, camera, number, occluded, float(time))
        for number, ((split, camera, occluded), time) in enumerate(zip(rows, times, strict=True))
    ]


def plan(size: Size, seed: int) -> list[list[Shot]]:
    """The images of every person, ordered by pid."""
    return [plan_person(pid, size, seed) for pid in range(1, size.train + size.query + size.others + 1)]
