"""The results of a plan's runs: read, checked against each other, averaged over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occreid.errors import UserError, did_you_mean
from occreid.files import read_json
from occreid.retrieval import Protocol
from occreid.training.ablation.jobs import check_folders, is_finished
from occreid.training.ablation.ladder import Plan, PlannedRun


@dataclass(frozen=True, slots=True)
class Found:
    """One finished run.

    Attributes:
        run: which.
        content: its ``result.json``.
        benchmarks: benchmark's name → what the file says of it.
        held_out: whether that is of identities held out of the training part.
    """

    run: PlannedRun
    content: dict[str, Any]
    benchmarks: dict[str, dict[str, Any]]
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A score over the seeds of a row, in per cent: mean, sample standard deviation (0 for one seed), runs."""

    mean: float
    std: float
    runs: int


def collect(plan: Plan, *, test: bool = False) -> list[Found]:
    """Read the results that are there, in the plan's order.

    Args:
        plan: the ladder.
        test: read the test parts of runs that held identities out, too. A ladder is there to choose by, and nothing
            is chosen by test identities: where a run has validation ones, these count.

    Raises:
        UserError: a result is unreadable, of another recipe, lacks a metric, or two were measured under different
            protocols or on different data.
    """
    check_folders(plan.runs)
    found = [_read(run, test) for run in plan.runs if is_finished(run)]
    for one in found:
        for name, entry in one.benchmarks.items():
            for metric in plan.metrics:
                if metric not in entry["scores"]:
                    raise UserError(
                        f"{one.run.folder} has no {metric} on {name}.", did_you_mean(metric, entry["scores"])
                    )
    _comparable(found)
    return found


def cell(found: Sequence[Found], row: str, benchmark: str, metric: str) -> Cell | None:
    """A row's score on a benchmark over the seeds that are there; None where there is none."""
    values = [
        100 * one.benchmarks[benchmark]["scores"][metric]
        for one in found
        if one.run.row == row and benchmark in one.benchmarks
    ]
    if not values:
        return None
    return Cell(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))


def protocol_of(entry: dict[str, Any]) -> Protocol:
    """The protocol of one benchmark of a result file."""
    return Protocol(**entry["protocol"])


def _read(run: PlannedRun, test: bool) -> Found:
    file = run.folder / "result.json"
    content = read_json(file, hint=f"Remove {Path(run.folder)} and run again.")
    try:
        held_out = "validation" in content and not test
        parts = [content["validation"]] if held_out else content["benchmarks"]
        entries = {entry["benchmark"]: entry for entry in parts}
    except (KeyError, TypeError) as error:
        raise UserError(f"{file} is no result ({error}).", f"Remove {Path(run.folder)} and run again.") from error
    return Found(run, content, entries, held_out)


def _comparable(found: Sequence[Found]) -> None:
    firsts: dict[tuple[str, int | None], Found] = {}
    for one in found:
        for name, entry in one.benchmarks.items():
            first = firsts.setdefault(
                (name, one.run.seed if one.held_out else None), one
            )  # a seed draws who is held out
            other = first.benchmarks[name]
            differences = protocol_of(other).differences(protocol_of(entry))
            differences = [d for d in differences if not d.startswith("seed: ")]  # each run draws by its own seed
            if differences:
                raise UserError(
                    f"{first.run.folder} and {one.run.folder} were tested on {name} under two protocols "
                    f"({'; '.join(differences)}).",
                    "Give all rows one evaluation section.",
                )
            for part in ("query", "gallery"):
                if other["counts"][part] != entry["counts"][part]:
                    raise UserError(
                        f"{first.run.folder} and {one.run.folder} were tested on different data: {name} has "
                        f"{other['counts'][part]['images']} and {entry['counts'][part]['images']} {part} images.",
                        "Test all rows on the same files.",
                    )
