"""Benchmarks as commands name them: by a folder, by ``--on``, or by what a model was trained on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from occreid.cli.options import parse_benchmarks, parse_options
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.records import Split


def load_split(root: Path, name: str | None, options: Mapping[str, Any]) -> Split:
    """Read a benchmark, recognised by its layout where it has no name; its warnings become lines on stderr."""
    from occreid.data import load_benchmark
    from occreid.data.inspect.verify import recognise

    if name is None:
        name = recognise(root)
        typer.echo(f"recognised as {name}", err=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        split = load_benchmark(name, root, **options)
    for warning in caught:
        typer.echo(f"warning: {warning.message}", err=True)
    return split


def load_benchmarks(source: Path, on: list[str] | None, option: list[str] | None) -> list[Split]:
    """The benchmarks of ``--on``, else the one that the model in ``source`` was trained on.

    Raises:
        UserError: none is known, or one cannot be read.
    """
    from occreid.data import load_benchmark
    from occreid.models import read_card

    options, named = parse_options(option), parse_benchmarks(on)
    if named is not None:
        return [load_benchmark(name, root, **options) for name, root in named]
    data = (read_card(source).get("recipe") or {}).get("data")
    if not data:
        raise UserError(f"{source} does not say what it was trained on.", "Give a benchmark: --on NAME=ROOT")
    if not Path(data["root"]).expanduser().exists():
        raise UserError(
            f"what {source} was trained on, {data['name']}, is not at {data['root']}.", "Give one: --on NAME=ROOT"
        )
    return [load_benchmark(data["name"], data["root"], **{**data.get("options", {}), **options})]
