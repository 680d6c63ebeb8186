"""`occreid serve audit`: what the log says of itself."""

from __future__ import annotations

import json
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
    """Follow the hashes from line to line. Exit code 0: unbroken; 1: a line was changed, taken out or cut short.

    Example: occreid serve audit verify --audit audit.jsonl
    """
    from occreid.serve.audit import check_audit

    lines, breaks, last = check_audit(audit)
    if as_json:
        typer.echo(json.dumps({"lines": lines, "breaks": breaks, "last": last}, indent=1))
    else:
        for text in breaks:
            typer.echo(f"  {text}")
        typer.echo(f"{lines:,} lines, {'NOT unbroken' if breaks else 'unbroken'}; the last hash is {last or 'none'}")
    if breaks:
        raise typer.Exit(1)


def _group() -> None:
    """Check the audit log."""
