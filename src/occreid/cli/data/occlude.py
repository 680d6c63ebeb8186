"""`occreid data occlude`: a benchmark's queries with an occluder over each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.console import progress


def occlude(
    root: Annotated[Path, typer.Argument(help="A folder in the layout of Market-1501, such as market1501-mini.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the pictures. Default: ROOT-occluded/query.")
    ] = None,
) -> None:
    """Write the queries of a benchmark with an occluder over each; the same pictures wherever it is done.

    Example: occreid data occlude data/market1501-mini

    Then: occreid evaluate RUN --on market1501_mini_occluded=data/market1501-mini
    """
    from occreid.data import load_benchmark
    from occreid.data.benchmarks.market1501_mini import PASTED
    from occreid.data.occlusion.pasted import write_pasted

    queries = load_benchmark("market1501", root, strict=False).query
    folder = out or root.with_name(f"{root.name}-occluded") / "query"
    with progress("occluding", len(queries)) as tick:
        for _ in write_pasted(queries, folder):
            tick()
    typer.echo(f"{len(queries)} queries with an occluder each ({PASTED}) are in {folder}")
