"""`occreid data list`: what can be read."""

from __future__ import annotations

import json
from typing import Any

import typer

from occreid.cli.console import print_table
from occreid.cli.options import Json
from occreid.records import SPLIT_PARTS


def list_(as_json: Json = False) -> None:
    """List the benchmarks that can be read, with their published counts.

    Example: occreid data list
    """
    from occreid.data.benchmarks import benchmark_facts, benchmark_options, list_benchmarks

    facts = {name: benchmark_facts(name) for name in list_benchmarks()}
    if as_json:
        rows = [
            {
                "name": name,
                "status": "withdrawn" if fact.withdrawn else "",
                "layout": fact.layout,
                "note": fact.note,
                "options": {key: _plain(value) for key, value in benchmark_options(name).items()},
                "counts": {
                    variant: {part: {"images": i, "ids": n} for part, (i, n) in counts.items()}
                    for variant, counts in fact.counts.items()
                },
            }
            for name, fact in facts.items()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    rows = []
    for name, fact in facts.items():
        for variant, counts in fact.counts.items() or (("", {}),):
            cells = [f"{counts[p][0]:,} / {counts[p][1]:,}" if p in counts else "" for p in SPLIT_PARTS]
            rows.append([f"{name} {variant}".strip(), *cells])
    typer.echo("images / ids as published")
    print_table(["name", *SPLIT_PARTS], rows)
    for name, fact in facts.items():
        notes = ["withdrawn by its authors"] * fact.withdrawn + [fact.note] * bool(fact.note)
        if notes:
            typer.echo(f"{name}: {'; '.join(notes)}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
