"""Trained runs as entries of a report: names, checks, and each measured under one protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from occreid.errors import UserError
from occreid.evaluation import Describer, Settings, rank
from occreid.models import Method, load_model, read_card
from occreid.records import Split
from occreid.report.summary import Entry
from occreid.retrieval import Protocol

_RANKS = {1, 5, 10}


def run_entries(
    runs: Sequence[Path], names: Sequence[str], split: Split, settings: Settings | None = None, **changes: Any
) -> list[Entry]:
    """Measure runs on one benchmark, each under the protocol of its own recipe unless it is changed for all.

    Args:
        runs: run folders or weights files.
        names: what the page calls them.
        split: the benchmark.
        settings: device, precision, batch size, ….
        changes: of the protocol, as `Protocol.of` takes them.

    Raises:
        UserError: what `load_model` and `occreid.evaluation.measure` raise.
    """
    cards = [read_card(run) for run in runs]
    ranks = tuple(sorted(_RANKS.union(*(Protocol.of(card, split).ranks for card in cards))))
    return [
        _entry(run, name, split, settings, {"ranks": ranks, **changes}) for run, name in zip(runs, names, strict=True)
    ]


def run_names(runs: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """The names given, else the folders' own, with as much of their paths as tells them apart.

    Raises:
        UserError: another number of names than runs, or a name or run twice.
    """
    if given:
        if len(given) != len(runs) or len(set(given)) < len(given):
            raise UserError(
                f"{len(given)} names do not fit {len(runs)} runs.", "Give one --name for each, all different."
            )
        return list(given)
    resolved = [run.resolve() for run in runs]
    for depth in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    raise UserError("a run is given twice.", "Name each run once.")


def require_same_data(runs: Sequence[Path], split: Split) -> None:
    """All runs must have been trained and tested on the benchmark of the first.

    Raises:
        UserError: one was made with another; both are named.
    """
    for run in runs:
        data = read_card(run).get("data", {})
        if data.get("name", split.name) != split.name:
            raise UserError(
                f"{runs[0]} was made with {split.name} and {run} with {data['name']}.",
                "Say what to test all of them on: --on NAME=ROOT",
            )
        counts = data.get("counts", {})
        for part in ("query", "gallery"):
            if counts.get(part) and counts[part] != split.counts()[part]:
                raise UserError(
                    f"{run} was made with another {split.name}: {counts[part]['images']:,} {part} images there, "
                    f"{split.counts()[part]['images']:,} here.",
                    "Say what to test all of them on: --on NAME=ROOT",
                )


def require_images(split: Split, named: int = 5) -> None:
    """All test images must be there.

    Raises:
        UserError: some are not; the first are named.
    """
    missing = [str(record.path) for record in (*split.query, *split.gallery) if not record.path.is_file()]
    if missing:
        some = ", ".join(missing[:named]) + (", …" if len(missing) > named else "")
        raise UserError(f"{len(missing)} images of {split.name} are missing: {some}.", "Bring them back.")


def run_recipes(runs: Sequence[Path], names: Sequence[str]) -> str:
    """The recipes of runs as text, with their names above them where there are several."""
    parts = []
    for run, name in zip(runs, names, strict=True):
        recipe = read_card(run).get("recipe")
        if recipe is not None:
            text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
            parts.append(f"# {name}\n{text}" if len(runs) > 1 else text)
    return "\n".join(parts)


def _entry(run: Path, name: str, split: Split, settings: Settings | None, changes: dict[str, Any]) -> Entry:
    model = load_model(run)
    describer = Describer(model, split, Protocol.of(model.card, split, **changes), settings)
    described, log = describer.described(), run / "log.csv"
    trusted = _trusted(model, describer)
    model.to("cpu")
    metric = model.metric.replace("_", " ")
    return Entry(
        name,
        rank(described),
        described.query,
        described.gallery,
        f"{model.card['method']}, {metric} distance" if "method" in model.card else "",
        model,
        log if log.is_file() else None,
        trusted,
    )


def _trusted(model: Method, describer: Describer) -> Callable[[int], list[tuple[int, float]]] | None:
    """Whom a query was reconstructed from and how far each was trusted, for methods that say so (OR-GNN)."""
    find = getattr(model, "neighbours", None)
    if find is None:
        return None
    model.to("cpu")
    indices, trust = find(describer.side("query"), describer.side("gallery"))

    def of(row: int) -> list[tuple[int, float]]:
        pairs = zip(indices[row].tolist(), trust[row].tolist(), strict=True)
        return [(index, confidence) for index, confidence in pairs if index >= 0]

    return of
