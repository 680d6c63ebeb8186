"""What OR-GNN's reconstruction costs as the gallery grows: images a second, and memory beyond the features.

    python benchmarks/orgnn_reconstruction.py [--sizes 1000,10000,100000] [--threads 1 --clock cpu]

Descriptors are random: persons of ten images each, a quarter of the parts hidden. Every size runs in a process of
its own, so that its peak is its own. Reconstructing a whole gallery takes its size divided by images a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import torch

from occreid.descriptors import Descriptors
from occreid.methods.orgnn import Reconstruction, reconstruct
from occreid.methods.orgnn.neighbourhood import neighbourhoods
from occreid.nn import OutlierRemovableGNN

PARTS, DIM, PER_PERSON = 6, 256, 10
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}  # with one thread, cpu is what a free machine takes


@dataclass(frozen=True)
class Cost:
    """Of one gallery size: images/s of a block, ms of a single query, neighbours of an image, MiB."""

    images_per_second: float
    single_ms: float
    neighbours: float
    features_mib: float
    beyond_mib: float


def people(n: int, persons: int, seed: int) -> Descriptors:
    """Random descriptors in which images of one person are alike where they are visible."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(persons, PARTS, DIM, generator=torch.Generator().manual_seed(0))
    features = torch.rand(n, PARTS, DIM, generator=generator)
    seen = torch.rand(n, PARTS, generator=generator) < 0.75
    for part in range(PARTS):  # in place, one part at a time: no second copy of a large gallery
        features[:, part].mul_(torch.where(seen[:, part], 0.5, 1.0)[:, None])
        features[:, part].add_(centres[torch.arange(n) % persons, part] * seen[:, part, None])
    return Descriptors(features, seen)


def peak_so_far() -> float:
    """This process's largest resident size in MiB."""
    status = Path("/proc/self/status")
    if status.is_file():
        return float(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def measure(size: int, images: int, repeats: int, threads: int, clock: str, pipe: Connection) -> None:
    """Run in a process of its own; sends a `Cost`."""
    torch.set_num_threads(threads)
    now = CLOCKS[clock]
    persons = max(1, size // PER_PERSON)
    gallery, query = people(size, persons, 1), people(images, persons, 2)
    gnn, how = OutlierRemovableGNN(PARTS, DIM), Reconstruction(k=PER_PERSON, theta=0.7)
    small = gallery[:64]
    reconstruct(small, small, gnn, how)  # the libraries' own buffers
    before, seconds, single = peak_so_far(), [], []
    for _ in range(repeats):
        start = now()
        reconstruct(query, gallery, gnn, how)
        middle = now()
        reconstruct(query[:1], gallery, gnn, how)
        seconds.append(middle - start)
        single.append(now() - middle)
    features = gallery.features.numel() * 4 / 2**20
    beyond = max(0.0, peak_so_far() - before)
    found = torch.cat([(rows >= 0).sum(1) for _, rows in neighbourhoods(query[:64], gallery, how.k, how.theta)])
    pipe.send(Cost(images / median(seconds), 1000 * median(single), float(found.float().mean()), features, beyond))


def run(size: int, images: int, repeats: int, threads: int, clock: str) -> Cost:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=measure, args=(size, images, repeats, threads, clock, there))
    process.start()
    cost = here.recv()
    process.join()
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,3000,10000,30000,100000")
    parser.add_argument("--images", type=int, default=512, help="reconstructed at each size")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    given = parser.parse_args()
    setting = f"{given.threads} threads, {given.clock} clock, {PARTS} parts of {DIM} dimensions, K = {PER_PERSON}"
    print(f"torch {torch.__version__}, {setting}\n")
    print("| gallery | images/s | one query | neighbours | features | memory beyond |\n|---|---|---|---|---|---|")
    for size in (int(word) for word in given.sizes.split(",")):
        cost = run(size, given.images, given.repeats, given.threads, given.clock)
        cells = [f"{size:,}", f"{cost.images_per_second:,.0f}", f"{cost.single_ms:,.0f} ms", f"{cost.neighbours:.1f}"]
        print(f"| {' | '.join([*cells, f'{cost.features_mib:,.0f} MiB', f'{cost.beyond_mib:,.0f} MiB'])} |", flush=True)


if __name__ == "__main__":
    main()
