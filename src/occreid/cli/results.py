"""`occreid results`: the page of all results, from result files only."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from occreid.errors import UserError

_PAGE = "results/README.md"


def results(
    data: Annotated[Path, typer.Argument(help="The folder of result files.")] = Path("results/data"),
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path(_PAGE),
    add: Annotated[
        list[Path] | None, typer.Option("--add", metavar="RUN", help="Copy this run's result first; repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the table calls the runs of --add.")] = None,
) -> None:
    """Write the page of all results, from result files only.

    For example: occreid results --add runs/ssgr-0 --add runs/ssgr-1 --name ssgr
    """
    from occreid.report.results_page import add_result, write_results_page

    if add and name is None:
        raise UserError("--add needs the name of the row.", "For example: --name ssgr")
    for run in add or ():
        typer.echo(f"added {add_result(run, data, str(name))}")
    command = shlex.join(["occreid", "results", *([str(data), "--out", str(out)] if str(out) != _PAGE else [])])
    typer.echo(f"wrote {write_results_page(data, out, command)}")
