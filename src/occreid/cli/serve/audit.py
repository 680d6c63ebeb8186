"""`occreid serve audit`: what the log says, and what it says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Json

AuditFile = Annotated[Path, typer.Option("--audit", help="The audit log; lines are only appended.")]


_SHOWN = ("time", "action", "name", "chain")
"""Of a line: what has a place of its own, or is of use to `verify` alone."""


def register(app: typer.Typer) -> None:
    """Add the group `audit`."""
    group = typer.Typer(name="audit", help="Check and read the audit log.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("show")(show)
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


def show(
    audit: AuditFile = Path("audit.jsonl"),
    action: Annotated[str | None, typer.Option("--action", help="Only these lines: search, enrol, delete, …")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Only what this key's holder did.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="At most so many, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """Show who did what and when, through all files, oldest first.

    Example: occreid serve audit show --audit audit.jsonl --action search --name anna
    """
    from occreid.serve.trail import read_audit
    from occreid.timestamps import show_timestamp

    lines = [
        line for line in read_audit(audit) if action in (None, line.get("action")) and name in (None, line.get("name"))
    ][-last:]
    if as_json:
        typer.echo(json.dumps(lines, indent=1, ensure_ascii=False))
        return
    for line in lines:
        known = {key: value for key, value in line.items() if key not in _SHOWN and value not in (None, {}, [])}
        rest = "  ".join(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in known.items())
        moment = show_timestamp(line["time"]) if isinstance(line.get("time"), int | float) else ""
        typer.echo("  ".join(str(word) for word in (moment, line.get("action"), line.get("name"), rest) if word))
