"""Who is seen where: the split of the generated benchmark, after the protocol of OPReID (SSGR paper).

Training ids have 5 to 20 images, about 15 % of them occluded. Each query id has one occluded query and, from
two other cameras, one occluded and one holistic gallery image. Other gallery ids have 1 to 3 of each.
A size may ask for more queries and more gallery images an id, so that methods can be told apart (``study``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from occreid.errors import UserError, did_you_mean
from occreid.synth.streams import Stream

HIDDEN_SHARE = 0.15
"""Share of training images in which something hides a part of the person."""
LEAST, MOST = 5, 20
"""Training images an id, where a size does not say how many."""
FRAMES = 25
"""A second, in the frame numbers of file names."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many ids of each sort, and how many cameras.

    Attributes:
        train, query, others: ids.
        cameras: of the whole set.
        images: training images an id on average (from half as many to half as many more); 0: 5 to 20.
        queries: occluded queries an id, each from another camera.
        gallery: fewest and most gallery images of a query's id, half of them occluded; (0, 0): one of each.
    """

    train: int
    query: int
    others: int
    cameras: int
    images: int = 0
    queries: int = 1
    gallery: tuple[int, int] = (0, 0)


SIZES = {"tiny": Size(6, 4, 2, 4), "demo": Size(60, 80, 30, 6), "large": Size(750, 350, 150, 10)}
"""Sizes of the first edition."""
SECOND_SIZES = {
    "tiny": Size(6, 4, 2, 4),
    "demo": Size(60, 80, 30, 12),
    "large": Size(750, 350, 150, 24),
    "study": Size(450, 320, 80, 16, 12, 2, (4, 8)),
}
"""Sizes of the second edition: more cameras, and one for telling methods apart."""


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
        return f"{self.pid:04d}_c{self.camid + 1}s1_{round(self.time * FRAMES):06d}_{self.number:02d}"

    @property
    def folder(self) -> str:
        """The folder of Market-1501's layout it belongs to."""
        return {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}[self.split]


def get_size(size: str, sizes: Mapping[str, Size] = SIZES) -> Size:
    """The size of that name, or a training set of ``IDSxIMAGES``, e.g. ``3000x8``.

    Raises:
        UserError: there is none of that name.
    """
    counts = re.fullmatch(r"(\d+)x(\d+)", size)
    if counts:
        return own_size(int(counts[1]), int(counts[2]))
    if size not in sizes:
        raise UserError(f"there is no size '{size}' of occsynth.", did_you_mean(size, sizes))
    return sizes[size]


def own_size(ids: int, images: int = 8, cameras: int = 24) -> Size:
    """A training set of any size, with a test part a tenth as large (20 to 150 queries, half as many others).

    Args:
        ids: training identities.
        images: training images an id on average.
        cameras: of the whole set.

    Raises:
        UserError: fewer than one identity, two images or three cameras.
    """
    for what, value, least in (("ids", ids, 1), ("images per id", images, 2), ("cameras", cameras, 3)):
        if value < least:
            raise UserError(f"{value} {what} are too few.", f"Give {least} or more.")
    queries = min(max(ids // 10, 20), 150)
    return Size(ids, queries, queries // 2, cameras, images)


def _training_rows(size: Size, cameras: list[int], rng: np.random.Generator) -> list[tuple[str, int, bool]]:
    low, high = (size.images - size.images // 2, size.images + size.images // 2) if size.images else (LEAST, MOST)
    count = int(rng.integers(low, high + 1))
    used = cameras[: int(rng.integers(2, size.cameras + 1))]
    return [("train", used[i % len(used)], bool(rng.random() < HIDDEN_SHARE)) for i in range(count)]


def _query_rows(size: Size, cameras: list[int], rng: np.random.Generator) -> list[tuple[str, int, bool]]:
    """Queries from one camera each, gallery images from the others in turn: every query finds somebody elsewhere."""
    if size.gallery == (0, 0):
        return [("query", cameras[0], True), ("gallery", cameras[1], True), ("gallery", cameras[2], False)]
    count = int(rng.integers(size.gallery[0], size.gallery[1] + 1))
    elsewhere = cameras[size.queries :]
    rows = [("query", camera, True) for camera in cameras[: size.queries]]
    return rows + [("gallery", elsewhere[i % len(elsewhere)], i % 2 == 0) for i in range(count)]


def plan_person(pid: int, size: Size, seed: int) -> list[Shot]:
    """All images of one person; a pure function of its arguments."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.SHOTS, pid]))
    cameras = [int(c) for c in rng.permutation(size.cameras)]
    if pid <= size.train:
        rows = _training_rows(size, cameras, rng)
    elif pid <= size.train + size.query:
        rows = _query_rows(size, cameras, rng)
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
