"""`occreid serve keys`: who may do what."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import Json

KeysFile = Annotated[Path, typer.Option("--keys", help="The keys file.")]


def register(app: typer.Typer) -> None:
    """Add the group `keys`."""
    group = typer.Typer(name="keys", help="Who may do what: add, list, revoke keys.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_)
    group.command()(revoke)
    app.add_typer(group)


def add(
    name: Annotated[str, typer.Argument(help="Who will hold the key.")],
    role: Annotated[list[str], typer.Option("--role", help="search, enrol, admin or monitor; may be repeated.")],
    days: Annotated[float | None, typer.Option("--days", min=0, help="Until it opens nothing; else for ever.")] = None,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="It reaches only entries of this camera; may be repeated.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="It reaches only entries with this tag; of several, with all.")
    ] = None,
    keys: KeysFile = Path("keys.json"),
    as_json: Json = False,
) -> None:
    """Make a key and show it, once.

    Example: occreid serve keys add anna --role search --role enrol --camera hall
    """
    from occreid.serve import add_key
    from occreid.serve.scope import Scope

    scope = Scope(tuple(camera) if camera else None, tuple(tag or ()))
    expires = None if days is None else time.time() + 86400 * days
    key, token = add_key(keys, name, role, expires=expires, scope=scope)
    if as_json:
        typer.echo(
            json.dumps({"id": key.id, "name": key.name, "roles": key.roles, "scope": asdict(scope), "key": token})
        )
        return
    typer.echo(f"key {key.id} of {key.name} ({', '.join(key.roles)}); it is shown only now:", err=True)
    typer.echo(token)


def list_(keys: KeysFile = Path("keys.json"), as_json: Json = False) -> None:
    """List the keys: names, roles, dates; never the keys themselves.

    Example: occreid serve keys list
    """
    from occreid.serve import read_keys

    found = read_keys(keys)
    if as_json:
        shown = ("id", "name", "roles", "created", "revoked", "expires")
        rows = [{**{name: getattr(key, name) for name in shown}, "scope": asdict(key.scope)} for key in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    for key in found:
        state = "valid" if key.valid else "expired"
        if key.revoked is not None:
            state = f"revoked {_day(key.revoked)}"
        elif key.expires is not None:
            state += f" until {_day(key.expires)}"
        state += "" if key.scope.whole else f". {key.scope.hint()}"
        typer.echo(f"{key.id}  {key.name:20s}  {', '.join(key.roles):24s}  made {_day(key.created)}  {state}")


def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As 'occreid serve keys list' shows it.")],
    keys: KeysFile = Path("keys.json"),
) -> None:
    """Make a key worthless at once, also for a service that is running.

    Example: occreid serve keys revoke 1f2e3d4c
    """
    from occreid.serve import revoke_key

    key = revoke_key(keys, identity)
    typer.echo(f"key {key.id} of {key.name} is revoked")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
