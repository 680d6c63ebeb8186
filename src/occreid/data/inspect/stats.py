"""What a benchmark is made of: images per id and camera, sizes, occlusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, median

from occreid.data.images import image_size
from occreid.names import name_order
from occreid.records import PART_NAMES, Record, Split


@dataclass(frozen=True, slots=True)
class PartStats:
    """Figures of one part of a benchmark; distractors count as images but not as an id.

    Attributes:
        images: number of images.
        ids: number of ids.
        images_per_id: number of images → number of ids that have so many.
        median_images_per_id: 0 where there is no id.
        images_per_camera: name of each known camera → number of images.
        sizes: (width, height) in pixels → number of images, the most frequent first; empty if not measured.
        occluded: share of the images known to be occluded among those of which it is known; None if of none.
        visible: mean visible fraction of each body part, in [0, 1]; None if unknown.
        occluders: kind → number of images.
    """

    images: int
    ids: int
    images_per_id: dict[int, int]
    median_images_per_id: float
    images_per_camera: dict[str, int]
    sizes: dict[tuple[int, int], int]
    occluded: float | None
    visible: dict[str, float] | None
    occluders: dict[str, int]


def stats(
    split: Split, *, sizes: bool = True, workers: int = 2, tick: Callable[[], None] | None = None
) -> dict[str, PartStats]:
    """Figures of every part that holds images: "train", "query", "gallery".

    Args:
        split: what a loader read.
        sizes: open every image for its size (the header only).
        workers: threads for that.
        tick: called once per image opened, for a progress bar.

    Raises:
        UserError: an image whose header cannot be read.
    """
    parts = {"train": split.train, "query": split.query, "gallery": split.gallery}
    result = {}
    for name, records in parts.items():
        if records:
            measured = _sizes(records, workers, tick) if sizes else Counter()
            result[name] = _part(records, measured, split.distractor_pids)
    return result


def _part(records: Sequence[Record], sizes: Counter[tuple[int, int]], distractors: frozenset[int]) -> PartStats:
    per_id = Counter(r.pid for r in records if r.pid not in distractors)
    cameras = Counter(camera for r in records if (camera := r.camera_name) is not None)
    known = [r.occluded for r in records if r.occluded is not None]
    visibilities = [r.visibility for r in records if r.visibility is not None]
    return PartStats(
        images=len(records),
        ids=len(per_id),
        images_per_id=dict(sorted(Counter(per_id.values()).items())),
        median_images_per_id=float(median(per_id.values())) if per_id else 0.0,
        images_per_camera={camera: cameras[camera] for camera in sorted(cameras, key=name_order)},
        sizes=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        occluded=fmean(known) if known else None,
        visible={part: fmean(v[i] for v in visibilities) for i, part in enumerate(PART_NAMES)}
        if visibilities
        else None,
        occluders=dict(sorted(Counter(r.occluder_kind for r in records if r.occluder_kind).items())),
    )


def _sizes(records: Sequence[Record], workers: int, tick: Callable[[], None] | None) -> Counter[tuple[int, int]]:
    def measure(record: Record) -> tuple[int, int]:
        size = image_size(record.path)
        if tick:
            tick()
        return size

    with ThreadPoolExecutor(max(1, workers)) as pool:
        return Counter(pool.map(measure, records))
