"""What a gallery costs and finds: `python benchmarks/gallery.py FOLDER [--sizes 10000 100000] [--parts]`.

Generated persons: a random unit vector each, ten pictures around it, so that neighbours mean something. Every figure
is of one process on one machine; `FOLDER` is filled and emptied again. Prints one line of JSON per measurement.

Letters: N entries, D dimensions, P parts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from occreid.descriptors import Descriptors
from occreid.gallery import Entry, Filter, Gallery

PICTURES = 10  # of each person
SPREAD = 1.0  # length of a picture's deviation, relative to its person's unit vector
BATCH = 10_000
CAMERAS = 6


def descriptors(start: int, n: int, parts: int, dim: int, total: int, seed: int = 0) -> Descriptors:
    """Pictures ``start … start + n − 1`` of a set of ``total``; with several parts three tenths of them are unseen."""
    persons = torch.arange(start, start + n) % max(1, total // PICTURES)
    generator = torch.Generator().manual_seed(10_000_019 * (seed + 1) + start)
    centres = torch.stack([_person(int(p), parts, dim) for p in persons.unique()])
    rows = torch.searchsorted(persons.unique(), persons)
    noise = torch.randn(n, parts, dim, generator=generator) * (SPREAD / dim**0.5)
    seen = torch.rand(n, parts, generator=generator) > 0.3 * (parts > 1)
    seen[:, 0] |= ~seen.any(1)
    return Descriptors(centres[rows] + noise, seen, persons, torch.arange(start, start + n) % CAMERAS)


def _person(person: int, parts: int, dim: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(person)
    return torch.nn.functional.normalize(torch.randn(parts, dim, generator=generator), dim=1)


def batches(total: int, parts: int, dim: int, first: int = 0) -> Iterator[list[Entry]]:
    """Entries as an enrolment would make them, from number ``first`` on."""
    for start in range(first, total, BATCH):
        some = descriptors(start, min(BATCH, total - start), parts, dim, total)
        yield [
            Entry(some.features[i], some.visibility[i], id=f"e{start + i:09d}", camid=(start + i) % CAMERAS)
            for i in range(len(some))
        ]


def fill(gallery: Gallery, total: int, parts: int, dim: int) -> dict[str, int]:
    """Entries per second that `Gallery.add` took, made beforehand: of all batches and of the last."""
    seconds, last = 0.0, 0.0
    for batch in batches(total, parts, dim):
        last = once(gallery.add, batch)["seconds"]
        seconds += last
    return {"per_second": round(total / seconds), "last_per_second": round(min(BATCH, total) / last)}


def once(run: Callable[..., object], *words: object) -> dict[str, float]:
    """Seconds of one call and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    run(*words)
    return {"seconds": round(time.perf_counter() - start, 3), "cpu_seconds": round(time.process_time() - cpu, 3)}


def timed(run: Callable[[int], object], times: int) -> dict[str, float]:
    """Milliseconds of ``run(0) … run(times − 1)``: median, 99th percentile, mean CPU time."""
    taken, cpu = [], time.process_time()
    for number in range(times):
        start = time.perf_counter()
        run(number)
        taken.append(1000 * (time.perf_counter() - start))
    cpu = 1000 * (time.process_time() - cpu) / times
    cuts = statistics.quantiles(taken, n=100, method="inclusive") if times > 1 else taken * 99
    return {"p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1), "cpu_ms": round(cpu, 1), "searches": times}


def recall(gallery: Gallery, query: Descriptors, k: int, **options: int) -> float:
    """Share of the k truly nearest that approximate search finds."""
    found, truth = gallery.search(query, k, exact=False, **options), gallery.search(query, k)
    shares = [
        len({hit.id for hit in a} & {hit.id for hit in b}) / max(len(b), 1) for a, b in zip(found, truth, strict=True)
    ]
    return round(sum(shares) / len(shares), 4)


def say(**facts: object) -> None:
    """One measurement."""
    print(json.dumps(facts), flush=True)


def measure_global(folder: Path, total: int, dim: int, times: int, probes: list[int]) -> None:
    """A global method: insertion, size, exact and, with ``probes``, indexed search."""
    uri = str(folder / f"g{total}")
    gallery = Gallery.create(uri, dim=dim, metric="cosine", weights_hash="generated")
    rates = fill(gallery, total, 1, dim)
    say(entries=total, what="insert", bytes_each=round(stored(gallery) / total), **rates)
    say(entries=total, what="compact", **once(gallery.compact), bytes_each=round(stored(gallery) / total))
    query = descriptors(0, 128, 1, dim, total, seed=1)
    one = [query[i : i + 1] for i in range(len(query))]
    disk = Gallery.open(uri, memory=0)
    say(entries=total, what="exact, from disk", **timed(lambda i: disk.search(one[i], 10), 3))
    say(entries=total, what="load into memory", **once(gallery.search, one[0], 10))
    say(entries=total, what="exact", **timed(lambda i: gallery.search(one[i % 128], 10), times))
    say(entries=total, what="exact, 32 at once", **timed(lambda i: gallery.search(query[:32], 10), max(2, times // 20)))
    own, others = Filter(camids=(1,)), Filter(exclude_camid=1)
    say(entries=total, what="exact, 1 of 6 cameras", **timed(lambda i: gallery.search(one[i % 128], 10, own), times))
    say(entries=total, what="exact, 5 of 6 cameras", **timed(lambda i: gallery.search(one[i % 128], 10, others), times))
    if probes:
        before = stored(gallery)
        taken = once(gallery.build_index)
        say(entries=total, what="index", bytes_each=round((stored(gallery) - before) / total), **taken)
    for number in probes:
        options = {"candidates": 200, "probes": number}
        taken = timed(lambda i, options=options: gallery.search(one[i % 128], 10, exact=False, **options), times)
        found = recall(gallery, query[:64], 10, **options)
        say(entries=total, what="index", probes=number, recall_at_10=found, **taken)
    more = next(batches(total + min(BATCH, total), 1, dim, first=total))
    say(entries=total, what=f"insert {len(more)} after compaction", **once(gallery.add, more))
    say(entries=total, what="largest memory", mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    shutil.rmtree(uri)


def stored(gallery: Gallery) -> int:
    """Bytes on disk."""
    return gallery.stats().bytes_on_disk or 0


def measure_parts(folder: Path, total: int, dim: int, parts: int, times: int) -> None:
    """A part-based method: exhaustive against candidates by the aggregate."""
    uri = str(folder / f"p{total}")
    gallery = Gallery.create(uri, dim=dim, parts=parts, metric="visible_parts", weights_hash="generated")
    rates = fill(gallery, total, parts, dim)
    say(entries=total, parts=parts, what="insert", bytes_each=round(stored(gallery) / total), **rates)
    gallery.compact()
    query = descriptors(0, 64, parts, dim, total, seed=1)
    one = [query[i : i + 1] for i in range(len(query))]
    gallery.search(one[0], 10)
    say(entries=total, parts=parts, what="exhaustive", **timed(lambda i: gallery.search(one[i % 64], 10), times))
    for number in (50, 200, 1000):
        taken = timed(lambda i, n=number: gallery.search(one[i % 64], 10, exact=False, candidates=n), times)
        found = recall(gallery, query, 10, candidates=number)
        say(entries=total, parts=parts, what="candidates", candidates=number, recall_at_10=found, **taken)
    shutil.rmtree(uri)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a scratch folder, made if missing")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--parts", type=int, default=0, help="measure a part-based method of so many parts instead")
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--probes", type=int, nargs="*", default=[5, 20, 80], help="none: no index is built")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for total in arguments.sizes:
        if arguments.parts:
            measure_parts(arguments.folder, total, arguments.dim, arguments.parts, arguments.searches)
        else:
            measure_global(arguments.folder, total, arguments.dim, arguments.searches, arguments.probes)


if __name__ == "__main__":
    main()
