"""`occreid serve audit`: what the log says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Json

AuditFile = Annotated[Path, typer.Option("--audit", help="The audit log; lines are only appended.")]


def register(app: typer.Typer) -> None:
    """Add the group `audit`."""
    group = typer.Typer(name="audit", help="Check the audit log.", no_args_is_help=True)
    group.command("verify")(verify)
    group.callback()(_group)  # else the only command would take the group's name
    app.add_typer(group)


def verify(audit: AuditFile = Path("audit.jsonl"), as_json: Json = False) -> None:
    """Follow the hashes from line to line, through all files. Exit code 0: unbroken; 1: a line was changed or is gone.

    Example: occreid serve audit verify --audit audit.jsonl
    """
    from occreid.serve.trail import check_audit

    found = check_audit(audit)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1))
    else:
        for text in found.breaks:
            typer.echo(f"  {text}")
        if found.after:
            typer.echo(f"  what was written before, up to {found.after}, is not here and cannot be checked")
        state = "NOT unbroken" if found.breaks else "unbroken"
        typer.echo(f"{found.lines:,} lines, {state}; the last hash is {found.last or 'none'}")
    if found.breaks:
        raise typer.Exit(1)


def _group() -> None:
    """Check the audit log."""
