"""`generate`: make the whole benchmark, on as many processes as asked for, with the same bytes on any number."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from occreid.errors import UserError
from occreid.synth.editions import EDITIONS, FIRST_NAME, get_edition
from occreid.synth.people.bodies import load_assets
from occreid.synth.people.figure import build_figure
from occreid.synth.protocol import SIZES, Shot, Size, get_size, plan
from occreid.synth.render.compose import take
from occreid.synth.streams import Stream
from occreid.synth.write import whole_or_nothing, write_picture, write_sidecar

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def make_person(root: Path, shots: list[Shot], seed: int, edition: str = FIRST_NAME) -> list[dict[str, Any]]:
    """Make all images of one person; a pure function of the arguments, so any process may do it."""
    cv2.setNumThreads(1)
    made = EDITIONS[edition]
    figure = build_figure(made.look(shots[0].pid, seed))
    rows = []
    for shot in shots:
        rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.PICTURES, shot.pid, shot.number]))
        thing = made.occluder(shot.split, seed, rng) if shot.occluded else None
        side = "train" if shot.split == "train" else "test"
        picture = take(figure, made.camera(shot.camid, seed), thing, side, seed, rng, made.style)
        rows.append(write_picture(root, shot, picture))
    return rows


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside get one numerical thread each, so that they do not fight over the cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _people(
    root: Path, people: list[list[Shot]], seed: int, workers: int, edition: str
) -> Iterator[list[dict[str, Any]]]:
    if workers == 1:
        yield from (make_person(root, shots, seed, edition) for shots in people)
        return
    context = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        futures = [pool.submit(make_person, root, shots, seed, edition) for shots in people]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def generate(
    out: str | Path,
    *,
    size: str | Size = "tiny",
    seed: int = 0,
    workers: int = 1,
    progress: bool = True,
    edition: str = FIRST_NAME,
) -> Path:
    """Make occsynth, the generated occluded benchmark, in Market-1501 layout with a Parquet sidecar.

    Args:
        out: a new or empty folder.
        size: tiny (about 100 images), demo (about 1,100), large (about 11,000), in the second edition also study
            (about 8,500); or counts of one's own, e.g. `occreid.synth.own_size`.
        seed: another seed is another benchmark: people, clothes, cameras, occluders.
        workers: processes; the files do not depend on it.
        progress: show a progress bar.
        edition: ``"occsynth-1"`` or ``"occsynth-2"``: the benchmark's name. Results on different ones do not compare.

    Returns:
        the folder.

    Raises:
        UserError: unknown size or edition, a negative seed, no worker, or a folder that is not empty or cannot be
            written.
    """
    from rich.progress import Progress

    made_as = get_edition(edition)
    counts = get_size(size, made_as.sizes) if isinstance(size, str) else size
    if seed < 0:
        raise UserError(f"seed {seed} is negative.", "Give a seed of 0 or more.")
    if workers < 1:
        raise UserError(f"{workers} workers cannot work.", "Give 1 or more.")
    load_assets()  # says so now if the body data are missing
    people, target = plan(counts, seed), Path(out).expanduser()
    with whole_or_nothing(target) as root, Progress(disable=not progress) as bar:
        task = bar.add_task(f"{edition} {size}" if isinstance(size, str) else edition, total=sum(map(len, people)))
        rows: list[dict[str, Any]] = []
        for made in _people(root, people, seed, workers, edition):
            rows += made
            bar.advance(task, len(made))
        write_sidecar(root, rows, None if edition == FIRST_NAME else edition)
    return target


__all__ = ["SIZES", "generate", "make_person"]
