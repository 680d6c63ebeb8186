"""The page of all commands, made from the command line itself whenever the site is built.

Example: python tools/command_reference.py > commands.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from occreid.cli import app

_HEAD = """# Commands

Every command says the same with `--help`.

Exit codes: 0 done; 1 the command found or met a problem; 2 a mistake in what was asked, told in one or two lines;
130 interrupted.
`--trust-code`, anywhere on the line, runs classes outside of occreid that a model's card names.
"""


def page() -> str:
    """The whole page, in the order of ``occreid --help``."""
    return _HEAD + "".join(_sections(typer.main.get_command(app), "occreid"))


def _sections(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if path != "occreid" and (not children or any(p.name != "help" for p in command.params)):
        yield f"\n## {path}\n\n{_about(command.help or '')}\n\n{_table(command)}"
    for name, child in children.items():
        yield from _sections(child, f"{path} {name}")


def _about(text: str) -> str:
    """The help; commands, which are written as lines of their own there, become code."""
    lines = [line.strip() for line in text.replace("\b", "").strip().splitlines()]
    return "\n".join(re.sub(r"^(.*?)(occreid .+)$", r"\1`\2`", line) if "occreid " in line else line for line in lines)


def _table(command: Any) -> str:
    rows = []
    for given in command.params:
        if given.name == "help":
            continue
        is_argument = given.param_type_name == "argument"
        names = (
            (given.metavar or given.name.upper()) if is_argument else ", ".join([*given.opts, *given.secondary_opts])
        )
        help_ = " ".join((getattr(given, "help", None) or "").split()).replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{names}` | {help_}{_default(given)} |\n")
    return "| argument or option | |\n|---|---|\n" + "".join(rows) if rows else ""


def _default(given: Any) -> str:
    value = given.default
    if value in (None, False, "", ()) or callable(value) or given.required or "Sentinel" in type(value).__name__:
        return ""
    return f" Default: `{value}`." if not isinstance(value, bool) else " On by default."


if __name__ == "__main__":
    print(page(), end="")
