"""Is a benchmark on disk sound? Every image is decoded, every file compared with every other, every id counted."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occreid.data.benchmarks import WithdrawnDatasetWarning, benchmark_facts, list_benchmarks, load_benchmark
from occreid.data.walk import existing_folder, files_under, is_image
from occreid.errors import UserError
from occreid.records import Record, Split

_NEAR = 0.25
"""Of the published number of images: a set that is nearer is this one, some files more or less."""
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What is wrong or worth knowing with a benchmark on disk. Paths are sorted.

    Attributes:
        unreadable: image or mask → why it cannot be used. A problem.
        conflicts: groups of files with the same bytes but different ids. A problem.
        leaks: groups of files with the same bytes in the training part and in the test part. A problem.
        copies: groups of files with the same bytes, id and part. Worth knowing.
        shared_ids: ids of both the training and the test part. A problem.
        unmatched_queries: queries without a gallery image of their id that the camera rule leaves in.
        distractors: gallery images that match nobody.
        strays: files in the images' folders that are no images. Worth knowing.
        differences: what the loader found at odds with the published facts. A problem unless accepted.
    """

    unreadable: dict[str, str]
    conflicts: tuple[tuple[str, ...], ...]
    leaks: tuple[tuple[str, ...], ...]
    copies: tuple[tuple[str, ...], ...]
    shared_ids: tuple[int, ...]
    unmatched_queries: tuple[str, ...]
    distractors: int
    strays: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no problem."""
        return not (self.unreadable or self.conflicts or self.leaks or self.shared_ids or self.differences)


def verify(
    split: Split, *, accept_differences: bool = False, workers: int = 2, tick: Tick | None = None
) -> Verification:
    """Check every file of a benchmark.

    Args:
        split: what a loader read while told to report problems instead of raising them.
        accept_differences: other counts than the published ones, or misnamed files, are no problem.
        workers: threads; decoding runs beside Python.
        tick: called once per image, for a progress bar.
    """
    parts = {"train": split.train, "query": split.query, "gallery": split.gallery}
    records = [record for part in parts.values() for record in part]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        checked = list(pool.map(lambda record: _check(record, tick), records))
    unreadable = {name: reason for _, reasons in checked for name, reason in reasons.items()}
    homes = [part for part, members in parts.items() for _ in members]
    conflicts, leaks, copies = _same_bytes(records, homes, [digest for digest, _ in checked])
    test_ids = {r.pid for r in split.query} | {r.pid for r in split.gallery}
    return Verification(
        dict(sorted(unreadable.items())),
        conflicts,
        leaks,
        copies,
        tuple(sorted({r.pid for r in split.train} & test_ids - split.distractor_pids)),
        _unmatched(split),
        sum(r.pid in split.distractor_pids for r in split.gallery),
        _strays(records),
        () if accept_differences else tuple(split.notes[k] for k in ("counts", "skipped") if k in split.notes),
    )


def recognise(root: Path) -> str:
    """The benchmark whose layout a folder has; of several, the one whose published counts are nearest.

    Raises:
        UserError: no folder, or no known layout.
    """
    if root.suffix.lower() == ".csv":
        return "folder"
    existing_folder(root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WithdrawnDatasetWarning)
        fitting = _undamaged({name: split for name in list_benchmarks() if (split := _read(name, root))})
    if "occsynth" in fitting:  # it has Market-1501's layout, too
        return "occsynth"
    distances = {name: _distance(name, split) for name, split in fitting.items()}
    near = [name for name in fitting if distances[name] < _NEAR]
    own_layout = [name for name in fitting if name != "folder" and not benchmark_facts(name).shared_layout]
    for names in (near, own_layout, [name for name in fitting if name == "folder"], list(fitting)):
        if names:
            return min(names, key=lambda name: (distances[name], name))
    raise UserError(f"{root} has the layout of no known benchmark.", "Name it with --name; see: occreid data list")


def _read(name: str, root: Path) -> Split | None:
    """What a loader reads, misnamed files left out, or None where it finds nothing of its layout."""
    options: dict[str, Any] = {"strict": False} | ({"train": "trainval"} if name == "msmt17" else {})
    try:
        return load_benchmark(name, root, **options)
    except UserError:
        return None


def _undamaged(fitting: dict[str, Split]) -> dict[str, Split]:
    """Those that understand every file name; where a stray file spoils it for all, those that understand most."""
    clean = {name: split for name, split in fitting.items() if "skipped" not in split.notes}
    if clean:
        return clean
    images = {name: sum(part["images"] for part in split.counts().values()) for name, split in fitting.items()}
    return {name: split for name, split in fitting.items() if images[name] == max(images.values()) > 0}


def _distance(name: str, split: Split) -> float:
    """How far the numbers of images are from the nearest published variant, as a mean fraction."""
    found = split.counts()
    distances = [
        sum(abs(found[part]["images"] - images) / images for part, (images, _) in counts.items()) / len(counts)
        for counts in benchmark_facts(name).counts.values()
    ]
    return min(distances, default=float("inf"))


def _check(record: Record, tick: Tick | None) -> tuple[bytes, dict[str, str]]:
    """Digest of the image file, and path → reason for the image and the mask that cannot be used."""
    from occreid.data.images import read_image
    from occreid.data.masks.files import check_aspect, read_mask

    reasons: dict[str, str] = {}
    digest = b""
    try:
        image = read_image(record.path)
        digest = hashlib.blake2b(record.path.read_bytes(), digest_size=16).digest()
    except UserError as error:
        reasons[str(record.path)] = error.problem
    else:
        if record.mask is not None:
            try:
                check_aspect(read_mask(record.mask), image, record.mask)
            except UserError as error:
                reasons[str(record.mask)] = error.problem
    if tick:
        tick()
    return digest, reasons


def _same_bytes(
    records: list[Record], homes: list[str], digests: list[bytes]
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Groups of identical files: different ids; training and test; the same id and part."""
    groups: dict[bytes, list[tuple[Record, str]]] = defaultdict(list)
    for record, home, digest in zip(records, homes, digests, strict=True):
        if digest:
            groups[digest].append((record, home))
    conflicts, leaks, copies = [], [], []
    for group in groups.values():
        paths = tuple(sorted({str(record.path) for record, _ in group}))
        if len(group) < 2:
            continue
        if len({record.pid for record, _ in group}) > 1:
            conflicts.append(paths)
        if len({home == "train" for _, home in group}) > 1:
            leaks.append(paths)
        if len({(record.pid, home) for record, home in group}) == 1:
            copies.append(paths)
    return tuple(sorted(conflicts)), tuple(sorted(leaks)), tuple(sorted(copies))


def _unmatched(split: Split) -> tuple[str, ...]:
    cameras: dict[int, set[int]] = defaultdict(set)
    for record in split.gallery:
        cameras[record.pid].add(record.camid)
    return tuple(
        str(query.path)
        for query in split.query
        if query.pid in split.distractor_pids
        or not (cameras[query.pid] - ({query.camid} if split.same_camera == "junk" else set()))
    )


def _strays(records: Iterable[Record]) -> tuple[str, ...]:
    """Files that are no images beside the images."""
    folders = {record.path.parent for record in records}
    roots = [folder for folder in folders if not any(parent in folders for parent in folder.parents)]
    found = {str(file) for folder in roots for file in files_under(folder) if not is_image(file)}
    return tuple(sorted(found))
