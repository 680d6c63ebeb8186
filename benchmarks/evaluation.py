"""What evaluation costs, as ratios within one run: `python benchmarks/evaluation.py [--small]`.

The reference implementations below are written from the published definitions: a NumPy evaluator that sorts
every row, and k-reciprocal re-ranking on dense N × N matrices. Every figure is the best of several
interleaved repeats, so that a busy machine spoils single repeats and not the ratio. On a machine that is
never quiet, `--threads 1 --clock cpu` counts the work done and leaves the waiting out.

Letters: Q queries, G gallery images, D dimensions, P parts, N = Q + G.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from occreid.descriptors import Descriptors
from occreid.retrieval import evaluate, rerank_rows

MIB = 2**20
SIZES = (  # queries, gallery images, dimensions, persons
    (3368, 15913, 2048, 1000),
    (3368, 82161, 512, 3060),
    (3368, 15913, 512, 1000),
    (842, 3978, 512, 250),
    (210, 994, 512, 60),
)
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}


def sides(q: int, g: int, d: int, persons: int, parts: int = 1) -> tuple[Descriptors, Descriptors]:
    """Random unit features, persons and six cameras; with several parts, a tenth of them unseen."""
    generator = torch.Generator().manual_seed(0)

    def side(n: int) -> Descriptors:
        features = torch.empty(n, parts, d).normal_(generator=generator)
        features.div_(features.norm(dim=2, keepdim=True))  # in place: no peak that would hide another
        visible = torch.rand(n, parts, generator=generator) > 0.1 * (parts > 1)
        pids = torch.randint(0, persons, (n,), generator=generator)
        return Descriptors(features, visible, pids, torch.randint(0, 6, (n,), generator=generator))

    return side(q), side(g)


def product(query: Descriptors, gallery: Descriptors, rows: int = 512) -> None:
    """The matrix product alone, one part after another, a few queries at a time."""
    for part in range(query.features.shape[1]):
        x, y = query.features[:, part], gallery.features[:, part]
        out = torch.empty(min(rows, len(x)), len(y))
        for start in range(0, len(x), rows):
            piece = x[start : start + rows]
            torch.mm(piece, y.T, out=out[: len(piece)])


def evaluate_by_argsort(query: Descriptors, gallery: Descriptors) -> float:
    """MAP by sorting every row of the full distance matrix in NumPy."""
    assert query.pids is not None and gallery.pids is not None
    assert query.camids is not None and gallery.camids is not None
    x, y = query.features[:, 0].numpy(), gallery.features[:, 0].numpy()
    matrix = (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * x @ y.T
    order = np.argsort(matrix, axis=1, kind="stable")
    gallery_pids, gallery_camids = gallery.pids.numpy(), gallery.camids.numpy()
    precisions = []
    for row, pid, camera in zip(order, query.pids.numpy(), query.camids.numpy(), strict=True):
        same = gallery_pids[row] == pid
        hits = same[~(same & (gallery_camids[row] == camera))]
        if hits.any():
            precisions.append((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())
    return float(np.mean(precisions))


def rerank_dense(
    query: Descriptors, gallery: Descriptors, k1: int = 20, k2: int = 6, weight: float = 0.3
) -> np.ndarray:
    """k-reciprocal re-ranking as published, on dense matrices of all N images."""
    x = torch.cat([query.features[:, 0], gallery.features[:, 0]]).numpy()
    squares = (x * x).sum(1)
    original = np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0)
    original = original / original.max(1, keepdims=True)
    rank = np.argsort(original, axis=1, kind="stable")
    num, num_query = len(x), len(query)
    encoding = np.zeros((num, num), np.float32)
    half = round(k1 / 2)
    for i in range(num):
        near = rank[i, : k1 + 1]
        own = near[(rank[near, : k1 + 1] == i).any(1)]
        expanded = own
        for candidate in own:
            theirs = rank[candidate, : half + 1]
            theirs = theirs[(rank[theirs, : half + 1] == candidate).any(1)]
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                expanded = np.append(expanded, theirs)
        expanded = np.unique(expanded)
        weights = np.exp(-original[i, expanded])
        encoding[i, expanded] = weights / weights.sum()
    encoding = np.stack([encoding[rank[i, :k2]].mean(0) for i in range(num)])
    holders = [np.flatnonzero(encoding[:, i]) for i in range(num)]
    result = np.empty((num_query, num - num_query), np.float32)
    for i in range(num_query):
        shared = np.zeros(num, np.float32)
        for column in np.flatnonzero(encoding[i]):
            shared[holders[column]] += np.minimum(encoding[i, column], encoding[holders[column], column])
        result[i] = ((1 - shared / (2 - shared)) * (1 - weight) + original[i] * weight)[num_query:]
    return result


def rerank_sparse(query: Descriptors, gallery: Descriptors) -> np.ndarray:
    """Ours, collected."""
    return torch.cat([block for _, block in rerank_rows(query, gallery, "euclidean")]).numpy()


def best(clock: Clock, repeats: int, *runs: Callable[[], object]) -> list[float]:
    """Seconds of each by the clock, the best of interleaved repeats."""
    seconds = [float("inf")] * len(runs)
    for _ in range(repeats):
        for i, run in enumerate(runs):
            start = clock()
            run()
            seconds[i] = min(seconds[i], clock() - start)
    return seconds


def _measure_peak(task: str, clock: str, size: tuple[int, ...], pipe: Connection) -> None:
    torch.set_num_threads(int(size[0]))
    query, gallery = sides(*size[1:])
    product(query[:64], gallery[:64])  # the libraries' own buffers
    before = peak_so_far()
    start = CLOCKS[clock]()
    if task == "evaluate":
        evaluate(query, gallery, "euclidean")
    else:
        for _ in rerank_rows(query, gallery, "euclidean"):
            pass
    seconds = CLOCKS[clock]() - start
    pipe.send((peak_so_far() - before, seconds))


def peak_so_far() -> float:
    """This process's largest resident size in MiB. (Linux hands its parent's ru_maxrss on to a new process.)"""
    status = Path("/proc/self/status")
    if status.is_file():
        return float(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MIB


def peak(task: str, clock: str, q: int, g: int, d: int, persons: int) -> tuple[float, float]:
    """MiB beyond the features, and seconds, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=_measure_peak, args=(task, clock, (torch.get_num_threads(), q, g, d, persons), there)
    )
    process.start()
    result = here.recv()
    process.join()
    return result


def line(what: str, size: str, value: str, goal: str) -> None:
    """One row of the table."""
    print(f"| {what} | {size} | {value} | {goal} |", flush=True)


def timings(small: bool, repeats: int, clock: Clock) -> None:
    """Ratios of time."""
    scale = 4 if small else 1
    for q, g, d, persons in SIZES:
        q, g, persons = q // scale, g // scale, max(2, persons // scale)
        query, gallery = sides(q, g, d, persons)
        alone, ours = best(
            clock,
            repeats * (1 if q * g > 10**7 else 8),  # what is short is spoilt more easily
            lambda a=query, b=gallery: product(a, b),
            lambda a=query, b=gallery: evaluate(a, b, "euclidean"),
        )
        line("evaluate ÷ product alone", f"{q:,} × {g:,} × {d}", f"{ours / alone:.2f} ({ours:.3g} s)", "≤ 1.2")
        if 10_000 < g * scale < 20_000:
            (sorting,) = best(clock, 1, lambda a=query, b=gallery: evaluate_by_argsort(a, b))
            assert (
                abs(evaluate_by_argsort(query[:50], gallery) - evaluate(query[:50], gallery, "euclidean").mean_ap)
                < 1e-5
            )
            line("NumPy argsort ÷ evaluate", f"{q:,} × {g:,} × {d}", f"{sorting / ours:.1f}", "≥ 4")
    q, g = 3368 // scale, 15913 // scale
    query, gallery = sides(q, g, 256, 1000 // scale, parts=4)
    alone, ours = best(
        clock, repeats, lambda: product(query, gallery), lambda: evaluate(query, gallery, "visible_parts")
    )
    line("visible_parts ÷ four products", f"{q:,} × {g:,} × 4·256", f"{ours / alone:.2f}", "≤ 1.3")
    n = 7200 // scale
    query, gallery = sides(n // 6, n - n // 6, 256, n // 20)
    (ours,) = best(clock, repeats, lambda: rerank_sparse(query, gallery))
    (dense,) = best(clock, 1, lambda: rerank_dense(query, gallery))
    line("dense k-reciprocal ÷ ours", f"{n:,} × 256", f"{dense / ours:.1f} ({dense:.1f} s, {ours:.2f} s)", "≥ 20")
    apart = np.abs(rerank_dense(query[:40], gallery[:400]) - rerank_sparse(query[:40], gallery[:400])).max()
    line("k-reciprocal, largest difference", "440 × 256", f"{apart:.0e}", "≤ 1e-5")


def memory(small: bool, clock: str) -> None:
    """Peaks, each in its own process."""
    scale = 8 if small else 1
    q, g = 11_659 // scale, 82_161 // scale
    used, seconds = peak("evaluate", clock, q, g, 512, 3060 // scale)
    line(
        "evaluate, memory beyond the features", f"{q:,} × {g:,} × 512", f"{used:.0f} MiB ({seconds:.0f} s)", "≤ 512 MiB"
    )
    q, g = 3_368 // scale, 15_913 // scale
    used, seconds = peak("rerank", clock, q, g, 2048, 1000 // scale)
    line("re-ranking, memory beyond the features", f"{q + g:,} × 2048", f"{used:.0f} MiB", "≤ 2,048 MiB")
    line("re-ranking, seconds", f"{q + g:,} × 2048", f"{seconds:.1f} s", "< 60 s")


def main() -> None:
    parser = argparse.ArgumentParser(description="What evaluation costs, as ratios within one run.")
    parser.add_argument("--small", action="store_true", help="a quarter of the sizes: seconds, and no goal applies")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--only", choices=("memory", "timings"), help="leave the other out")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    size = ", small" if arguments.small else ""
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.clock} clock{size}\n")
    print("| what | size | measured | goal |\n|---|---|---|---|")
    if arguments.only != "timings":
        memory(arguments.small, arguments.clock)
    if arguments.only != "memory":
        timings(arguments.small, arguments.repeats, CLOCKS[arguments.clock])


if __name__ == "__main__":
    main()
