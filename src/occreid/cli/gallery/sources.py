"""Where the pictures of a gallery's commands come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.splits import load_benchmarks
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.records import Record

Pictures = Annotated[
    Path | None, typer.Option("--pictures", help="A folder of crops, or a CSV of them: path,pid,camid,timestamp,tags.")
]
OfBenchmark = Annotated[str | None, typer.Option("--on", metavar="NAME=ROOT", help="A benchmark's gallery images.")]
Part = Annotated[str, typer.Option("--part", help="Of --on: gallery, query or train.")]


def part_of_benchmark(on: str, part: str, option: list[str] | None) -> Sequence[Record]:
    """The images that ``--on``, ``--part`` and ``--option`` name.

    Raises:
        UserError: no such part, or what loading the benchmark raises.
    """
    if part not in ("gallery", "query", "train"):
        raise UserError(f"a benchmark has no part '{part}'.", "Give gallery, query or train.")
    return getattr(load_benchmarks(Path(), [on], option)[0], part)
