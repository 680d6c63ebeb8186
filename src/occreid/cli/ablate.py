"""`occreid ablate`: train a ladder or grid of overrides over seeds, and write its table."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.groups import grouped
from occreid.cli.options import parse_numbers
from occreid.errors import UserError
from occreid.files import read_text

if TYPE_CHECKING:
    from occreid.training.ablation import Plan

Ladder = Annotated[str, typer.Argument(help="A ladder file, or a shipped one such as ssgr/table5.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of all runs and of the tables.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="ROW", help="Train this row only; repeatable.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Runs at once on each device.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and print the commands; train nothing.")]
OnTest = Annotated[
    bool, typer.Option("--on-test", help="Show the test part, although identities were held out to choose by.")
]
TableOnly = Annotated[bool, typer.Option("--table-only", help="Train nothing; write the tables of what is there.")]


@dataclass(frozen=True, slots=True)
class Instead:
    """What is taken instead of the file's own."""

    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Instead of the file's, for all rows: the ladder on other data.")
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of every row's recipe; may be repeated."),
    ] = None
    seeds: Annotated[str | None, typer.Option("--seeds", help="Instead of the file's, e.g. 0,1,2.")] = None

    def plan(self, ladder: str, out: Path) -> Plan:
        """The ladder's runs, checked.

        Raises:
            UserError: a file or a value that cannot be.
        """
        from occreid.training import ablation

        seeds = _seeds(self.seeds)
        return ablation.load_plan(ladder, out, recipe=self.recipe, overrides=self.settings or [], seeds=seeds)


@grouped
def ablate(
    *,
    ladder: Ladder,
    out: Out,
    instead: Instead,
    only: Only = None,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
    table_only: TableOnly = False,
    on_test: OnTest = False,
) -> None:
    """Train every row of a ladder with every seed, and write one table. Call it again to go on.

    Example: occreid ablate ssgr/table5 --out runs/ssgr-table5

    The paper's own experiment: occreid ablate ssgr/table5 --recipe ssgr/occluded_duke --out runs/table5

    The folder then holds a run folder per row and seed, and table.md, table.tex, table.csv and runs.csv.
    """
    from occreid.training import ablation

    plan = instead.plan(ladder, out)
    if dry_run:
        for run in plan.runs:
            typer.echo(run.command())
        return
    command = shlex.join(["occreid", *sys.argv[1:]])

    def write(_: object = None) -> Path:
        return ablation.write_tables(plan, ablation.collect(plan, test=on_test), out, command)[0]

    failures = [] if table_only else ablation.run_plan(plan, only=only or (), jobs=jobs, say=_say, after=write)
    typer.echo(read_text(write()).partition("## Commands")[0].rstrip())
    typer.echo(f"\ntables are in {out}")
    if failures:
        raise typer.Exit(1)


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _seeds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    found = parse_numbers("--seeds", text, int, "0,1,2")
    if len(set(found)) < len(found):
        raise UserError(f"--seeds {text} holds a seed twice.", "For example: --seeds 0,1,2")
    return found
