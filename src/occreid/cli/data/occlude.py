"""`occreid data occlude`: a benchmark's queries with an occluder over each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.console import progress
from occreid.cli.options import Option, parse_options


def occlude(
    root: Annotated[Path, typer.Argument(help="The folder of market1501-mini, or the one that holds it.")],
    option: Option = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the pictures. Default: ROOT-occluded/query.")
    ] = None,
) -> None:
    """Write the queries of market1501_mini with an occluder over each; the same pictures wherever it is done.

    Another set in Market-1501's layout is taken with --option strict=false.

    Example: occreid data occlude data/market1501-mini

    Then: occreid evaluate RUN --on market1501_mini_occluded=data/market1501-mini
    """
    from occreid.data import load_benchmark
    from occreid.data.benchmarks.market1501_mini import PASTED, occluded_queries
    from occreid.data.occlusion.pasted import write_pasted

    queries = load_benchmark("market1501_mini", root, **parse_options(option)).query
    folder = out or occluded_queries(root)
    with progress("occluding", len(queries)) as tick:
        for _ in write_pasted(queries, folder):
            tick()
    typer.echo(f"{len(queries)} queries with an occluder each ({PASTED}) are in {folder}")
