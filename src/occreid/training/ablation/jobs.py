"""Making the runs of a plan: each a process of its own, as many at once as there are devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from occreid.errors import UserError
from occreid.training.ablation.ladder import Plan, PlannedRun
from occreid.training.folders import NEUTRAL, RECIPE
from occreid.training.recipe_files import changed_keys, load_recipe

_PATIENCE = 0.2  # seconds between looks at the running processes


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that did not end well: its last words, and the file that holds all of them."""

    run: PlannedRun
    reason: str
    log: Path


@dataclass(slots=True)
class _Job:
    run: PlannedRun
    process: subprocess.Popen[bytes]
    slot: dict[str, str]
    log: Path
    started: float


def is_finished(run: PlannedRun) -> bool:
    """Whether the run's folder holds a result."""
    return (run.folder / "result.json").is_file()


def check_folders(runs: Sequence[PlannedRun]) -> None:
    """Folders of earlier runs must hold what the plan would make there again.

    Raises:
        UserError: a run was made with another recipe; the keys are named.
    """
    for run in runs:
        if not (run.folder / RECIPE).is_file():
            continue
        changed = [key for key in changed_keys(load_recipe(run.folder / RECIPE), run.recipe) if key not in NEUTRAL]
        if changed:
            raise UserError(
                f"the run {run.folder} was made with other values of: {', '.join(changed)}.",
                "Choose another --out, or remove that run's folder.",
            )


def run_plan(
    plan: Plan,
    *,
    only: Sequence[str] = (),
    jobs: int = 1,
    say: Callable[[str], None] = print,
    after: Callable[[PlannedRun], object] = lambda run: None,
) -> list[Failure]:
    """Make all runs that are not there yet; an interrupted one is gone on with.

    Args:
        plan: from `load_plan`.
        only: names of rows; empty: all. Rows whose weights these need are made too.
        jobs: runs at once on each device (on each group of devices, where a run trains on several).
        say: takes a line for the user.
        after: called after each run that ended well.

    Returns:
        The runs that failed; the others went on.

    Raises:
        UserError: an unknown row, or a folder that holds another run.
    """
    for name in only:
        if name not in plan.rows:
            raise UserError(f"the ablation has no row '{name}'.", f"Its rows: {', '.join(plan.rows)}.")
    check_folders(plan.runs)
    wanted = _wanted(plan, only)
    waiting = [run for run in wanted if not is_finished(run)]
    say(f"{len(wanted)} runs, {len(wanted) - len(waiting)} of them finished already")
    free, running, failures = device_slots(plan.runs, jobs), [], []
    try:
        while waiting or running:
            while free and (ready := [run for run in waiting if _is_ready(run)]):
                waiting.remove(ready[0])
                job = _start(ready[0], free.pop(0))
                running.append(job)
                say(f"started  {job.run.folder}")
            if waiting and not running:  # what they start from has failed
                failures += [Failure(run, f"{run.parent} is not finished", run.folder) for run in waiting]
                break
            ended = [job for job in running if job.process.poll() is not None]
            for job in ended:
                running.remove(job)
                free.append(job.slot)
                minutes = (time.monotonic() - job.started) / 60
                if job.process.returncode == 0 and is_finished(job.run):
                    say(f"finished {job.run.folder} after {minutes:.1f} min")
                    after(job.run)
                else:
                    failures.append(Failure(job.run, _last_words(job), job.log))
                    say(f"failed   {job.run.folder}: {failures[-1].reason}")
            if not ended:
                time.sleep(_PATIENCE)
    except KeyboardInterrupt:
        for job in running:
            job.process.send_signal(signal.SIGINT)
        for job in running:
            job.process.wait()
        raise
    return failures


def _wanted(plan: Plan, only: Sequence[str]) -> list[PlannedRun]:
    """The runs of these rows (none: all), and those whose weights they need."""
    if not only:
        return list(plan.runs)
    wanted = {run.folder for run in plan.runs if run.row in only}
    parents = {run.folder: run.parent for run in plan.runs if run.parent is not None}
    while needed := {parents[folder] for folder in wanted & parents.keys()} - wanted:
        wanted |= needed
    return [run for run in plan.runs if run.folder in wanted]


def _is_ready(run: PlannedRun) -> bool:
    return run.parent is None or (run.parent / "result.json").is_file()


def device_slots(runs: Sequence[PlannedRun], jobs: int) -> list[dict[str, str]]:
    """One entry for each run that may go on at a time: what its environment gets.

    On GPUs each run sees its own; on a CPU the runs share the cores.
    """
    needed = max((run.recipe.training.devices for run in runs), default=1)
    kinds = {run.recipe.training.accelerator for run in runs}
    if kinds <= {"auto", "cuda"} and torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(torch.cuda.device_count())))
        names = visible.split(",")
        groups = [names[i : i + needed] for i in range(0, len(names) - needed + 1, needed)] or [names]
        return [{"CUDA_VISIBLE_DEVICES": ",".join(group)} for _ in range(jobs) for group in groups]
    if jobs == 1 or "OMP_NUM_THREADS" in os.environ:
        return [{} for _ in range(jobs)]
    return [{"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))} for _ in range(jobs)]


def call(run: PlannedRun) -> list[str]:
    """The process that makes a run, or goes on with it where it was interrupted."""
    begun = (run.folder / RECIPE).is_file()
    arguments = ["train", "--resume", str(run.folder)] if begun else run.arguments()
    return [sys.executable, "-m", "occreid", *arguments, "--quiet"]


def _start(run: PlannedRun, slot: dict[str, str]) -> _Job:
    log = run.folder.with_name(f"{run.folder.name}.log")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                call(run),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **slot},
            )
    except OSError as error:
        raise UserError(f"cannot write {log} ({error}).", "Choose another --out.") from error
    return _Job(run, process, slot, log, time.monotonic())


def _last_words(job: _Job) -> str:
    lines = [line for line in job.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    own = [line for line in lines if line.startswith("occreid: ")]
    reason = (own or lines or ["it said nothing"])[-1].removeprefix("occreid: ")
    return f"{reason.strip()} (exit code {job.process.returncode}; see {job.log})"
