"""`occreid data verify`: is a benchmark on disk sound?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from occreid.cli.console import progress
from occreid.cli.data.shared import SHOWN, Inspected, print_counts, write_sheet
from occreid.cli.groups import grouped
from occreid.cli.options import Json, parse_options
from occreid.cli.splits import load_split

if TYPE_CHECKING:
    from occreid.data.inspect.verify import Verification


@grouped
def verify(*, benchmark: Inspected, as_json: Json = False) -> None:
    """Check a benchmark on disk: layout, counts, every image, duplicates, ids.

    Exit code 0: sound; 1: problems were found.

    Example: occreid data verify data/Market-1501-v15.09.15 --name market1501

    Counts other than the published ones are accepted with: --option strict=false
    """
    from occreid.data.benchmarks import checked_option
    from occreid.data.inspect.verify import verify as check

    options = parse_options(benchmark.option)
    split = load_split(benchmark.root, benchmark.name, {**options, "strict": False})
    lenient = not checked_option(split.name, "strict", options.get("strict", True), bool)
    with progress("checking", len(split.records)) as tick:
        report = check(split, accept_differences=lenient, workers=benchmark.workers, tick=tick)
    if benchmark.sheet:
        write_sheet(split, benchmark.sheet)
    if as_json:
        from dataclasses import asdict

        about = {"name": split.name, "root": str(benchmark.root), "sound": report.sound, "counts": split.counts()}
        typer.echo(json.dumps({**about, "notes": split.notes, **asdict(report)}, indent=2))
    else:
        print_counts(split, but=("counts", "skipped"))  # these two are in the report
        _print_report(report)
    if not report.sound:
        raise typer.Exit(1)


def _print_report(report: Verification) -> None:
    lists = {
        "unreadable": [f"{path}: {reason}" for path, reason in report.unreadable.items()],
        "same bytes, different ids": [" = ".join(group) for group in report.conflicts],
        "same bytes in training and test": [" = ".join(group) for group in report.leaks],
        "ids in training and test": [str(pid) for pid in report.shared_ids],
        "not as published": list(report.differences),
        "same bytes, same id (harmless)": [" = ".join(group) for group in report.copies],
        "queries without a match (not counted in metrics)": list(report.unmatched_queries),
        "files that are no images (ignored)": list(report.strays),
    }
    for title, lines in lists.items():
        if lines:
            typer.echo(f"{title}: {len(lines)}")
            for line in lines[:SHOWN]:
                typer.echo(f"  {line}")
            if len(lines) > SHOWN:
                typer.echo(f"  … and {len(lines) - SHOWN} more (all with --json)")
    if report.distractors:
        typer.echo(f"distractors in the gallery: {report.distractors}")
    typer.echo("sound" if report.sound else "problems were found")
