"""Whether a line of a page would be understood: what it calls is there, and takes what it is given. Nothing runs."""

import re
import shlex
from pathlib import Path

import typer

from occreid.cli import app
from occreid.errors import UserError
from occreid.training import load_recipe

ROOT = Path(__file__).parents[2]
COMMAND = typer.main.get_command(app)
EXTRAS = re.compile(r"(\w+)\[([\w,-]+)\]")


def lines_of(code: str) -> list[list[str]]:
    """The words of each command of a block, comments, prompts, pipes and settings of variables taken away."""
    lines = re.sub(r"\\\n\s*", " ", code).splitlines()
    prompted = [line for line in lines if line.startswith("$ ")]  # what does not begin so is an answer
    found = []
    for line in prompted or lines:
        part: list[str] = []
        for word in [*shlex.split(line.removeprefix("$ "), comments=True), ";"]:
            if word in (";", "&&", "|", "&"):
                found += [part] if part else []
                part = []
            elif part or not re.fullmatch(r"[A-Z_]+=.*", word):
                part.append(word)
    return found


def check(words: list[str]) -> str:
    """What is wrong with a command, "" if nothing."""
    tool, *rest = words
    tool = Path(tool).name
    if tool == "occreid":
        return _check_occreid(rest)
    if tool == "pip" or words[:3] == ["uv", "pip", "install"]:
        return _check_extras(rest)
    if tool == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
        return "" if not rest or rest[0] in targets else f"no target {rest[0]}"
    if tool in ("python", "python3"):
        return _check_python(rest)
    known = ("uv", "docker", "curl", "cp", "mkdir", "nbstripout", "cd", "git")
    return "" if tool in known else f"nobody knows how to check '{tool}': mark the block, or teach this test"


def _check_python(rest: list[str]) -> str:
    if rest[:1] == ["-m"]:
        return _check_occreid(rest[2:]) if rest[1] == "occreid" else ""
    if rest[:1] == ["-c"]:
        return ""
    file = ROOT / rest[0]
    if not file.is_file():
        return f"no file {rest[0]}"
    source = file.read_text("utf-8")
    unknown = [w for w in rest[1:] if w.startswith("--") and f'"{w.partition("=")[0]}"' not in source]
    return f"{rest[0]} has no {unknown[0]}" if unknown else ""


def _check_extras(rest: list[str]) -> str:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    asked = [e for word in rest for m in [EXTRAS.search(word)] if m for e in m[2].split(",")]
    return next((f"no extra {extra}" for extra in asked if extra not in extras), "")


def _check_occreid(rest: list[str]) -> str:
    command, path, arguments = COMMAND, ["occreid"], list(rest)
    context = None
    while hasattr(command, "commands"):
        while arguments and arguments[0] in ("--trust-code", "--version", "--help"):
            if arguments.pop(0) != "--trust-code":
                return ""
        if not arguments:
            return ""
        if arguments[0].startswith("-"):  # a group that is a command, too
            break
        name = arguments.pop(0)
        if name not in command.commands:
            return f"no command {' '.join([*path, name])}"
        command = command.commands[name]
        path.append(name)
    try:
        context = command.make_context(" ".join(path), [a for a in arguments if a != "--trust-code"])
    except Exception as error:
        said = getattr(error, "message", str(error))
        return "" if "does not exist" in said else f"{' '.join(path)}: {said}"
    if path == ["occreid", "train"] and (recipe := context.params.get("recipe")) is not None:
        return _check_recipe(str(recipe), context.params["settings"] or [])
    return ""


def _check_recipe(recipe: str, overrides: list[str]) -> str:
    if recipe.endswith(".yaml"):
        return ""
    try:
        load_recipe(recipe, list(overrides))
    except UserError as error:
        return str(error)
    return ""
