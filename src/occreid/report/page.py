"""One self-contained ``report.html``: scores, curves, ranked lists, data, recipe. It loads nothing from anywhere."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from occreid import __version__
from occreid.errors import UserError
from occreid.files import read_text, write_file
from occreid.records import Record, Split
from occreid.report.explanations import Explanation, drawn_explanations
from occreid.report.figures import bar_figure, cmc_figure, loss_figure, progress_figure, separation_figure
from occreid.report.pictures import Picture, picture
from occreid.report.ranked import RankedList, pick_differing, pick_queries, ranked_list
from occreid.report.separation import separate
from occreid.report.summary import (
    TRIAL,
    Entry,
    breakdowns,
    cmc_curve,
    count_rows,
    marked,
    number,
    percent,
    score_table,
    scores,
    tiles,
    verdict,
)

_GROUPS = {
    "differ": "Where they differ most",
    "random": "Drawn at random",
    "worst": "Worst queries",
    "best": "Best queries",
}
_AP_FORMS = {
    "step": "mean of the precision at each hit (step form)",
    "trapezoid": "trapezoidal, as the Market-1501 MATLAB code",
}
_CAMERA_RULES = {
    "junk": "gallery images of the query's person from the query's camera are set aside",
    "keep": "all gallery images count, whatever their camera",
}


def write_report(
    path: str | Path,
    *,
    title: str,
    entries: Sequence[Entry],
    split: Split,
    lead: str = "",
    trial: bool = False,
    log: str | Path | None = None,
    recipe_text: str | None = None,
    commands: Sequence[str] = (),
    timings: Mapping[str, float] | None = None,
    shown: int = 3,
    seed: int = 0,
) -> Path:
    """Write the report of one or more methods on one benchmark.

    Where the protocol names an oracle, the page says so at its head and at every name.

    Args:
        path: the HTML file; folders above it are made.
        title: heading of the page.
        entries: the methods, the one the report is about first; all ranked under the same protocol.
        split: the benchmark whose query and gallery records the descriptors follow.
        lead: a sentence or two under the heading.
        trial: the set is too small to judge a method by; the page says so in place of a verdict.
        log: ``log.csv`` of the training run, for the loss curves; entries may have their own instead.
        recipe_text: the recipe as text.
        commands: command lines that reproduce the page.
        timings: stage → seconds.
        shown: how many random, worst and best queries to show of each.
        seed: of the random choices of queries and sample pictures.

    Returns:
        The path written.

    Raises:
        UserError: no entry, entries of different protocols, an image that cannot be read, or a path that
            cannot be written (nothing is left half written).
    """
    if not entries:
        raise UserError("a report needs at least one method.", "Give one entry for each ranking.")
    _same_protocol(entries)
    entries = [marked(entry) for entry in entries]
    page = _environment().get_template("report.html.j2")
    figures = {
        "cmc": cmc_figure({entry.name: cmc_curve(entry.ranking) for entry in entries}),
        "bars": bar_figure(
            {e.name: {k: v for k, v in scores(e.ranking).items() if k in {"mAP", "R-1"}} for e in entries}
        ),
        "losses": _losses(entries, log),
        "separations": _separations(entries, seed),
    }
    names, table = score_table(entries)
    facts = {"breakdowns": breakdowns(entries, split.query), "recipe": recipe_text or "", "commands": list(commands)}
    groups = _groups(entries, split, shown, seed)
    seen = _seen(entries, split, groups)
    html = page.render(
        **figures,
        **facts,
        title=title,
        lead=lead,
        oracle=entries[0].ranking.protocol.oracle,
        version=__version__,
        verdict=TRIAL if trial else verdict(entries),
        tiles=tiles(entries, split)[-1:] if trial else tiles(entries, split),
        score_names=names,
        table=table,
        main_method=entries[0].name,
        split_name=split.name,
        sections=_sections(bool(figures["losses"]), facts["breakdowns"], bool(seen)),
        seen=seen,
        protocol=_protocol(entries[0], split),
        groups=groups,
        parts_known=any(record.visibility is not None for record in split.query),
        counts=count_rows(split),
        strips=_strips(split, seed),
        timings=[(name, _clock(seconds)) for name, seconds in (timings or {}).items()],
        versions=list(_versions().items()),
    )
    return write_file(path, html, hint="Give a folder you may write to, with --out.")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("occreid.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["percent"] = percent
    return environment


def _same_protocol(entries: Sequence[Entry]) -> None:
    first = entries[0]
    for entry in entries[1:]:
        differences = first.ranking.protocol.differences(entry.ranking.protocol)
        if differences:
            raise UserError(
                f"{first.name} and {entry.name} are ranked under two protocols ({'; '.join(differences)}).",
                "Evaluate both under one protocol, or write two reports.",
            )


def _sections(losses: bool, failures: Sequence[Any], seen: bool) -> list[tuple[str, str]]:
    listed = [
        ("summary", "Summary"),
        ("cmc", "CMC"),
        ("scores", "Scores"),
        ("distances", "Distances"),
        ("losses", "Losses") if losses else None,
        ("occlusion", "Where it fails") if failures else None,
        ("ranked", "Ranked lists"),
        ("looks", "What it looked at") if seen else None,
        ("data", "Data"),
        ("reproduce", "Reproduce"),
    ]
    return [section for section in listed if section is not None]


def _protocol(entry: Entry, split: Split) -> dict[str, Any]:
    ranking, protocol = entry.ranking, entry.ranking.protocol
    drawn = f"one image per person, drawn {protocol.draws} times"
    skipped = f"{number(ranking.num_skipped_queries)} skipped (no gallery image of that person counts)"
    facts = [
        ("Average precision", _AP_FORMS[protocol.ap]),
        ("Camera rule", _CAMERA_RULES[protocol.same_camera]),
        ("Gallery", "every image" if protocol.shots == "multi" else drawn),
        ("Queries", f"{number(ranking.num_valid_queries)} counted, {skipped}"),
        ("Re-ranking", ", ".join(f"{k} {v}" for k, v in (protocol.rerank or {}).items()) or "none"),
        *((name.replace("_", " ").capitalize(), text) for name, text in sorted(split.notes.items())),
    ]
    return {
        "facts": facts,
        "queries": f"{number(len(split.query))} queries",
        "gallery": f"{number(len(split.gallery))} gallery images",
    }


def _groups(entries: Sequence[Entry], split: Split, shown: int, seed: int) -> list[dict[str, Any]]:
    """Each picked query with the ranked list of every entry, the first entry's own picks deciding which."""
    values = [float(value) for value in entries[0].ranking.average_precision]
    picked = pick_queries(values, best=shown, worst=shown, random=shown, seed=seed)
    if len(entries) > 1:
        picked = {"differ": pick_differing([e.ranking.average_precision.tolist() for e in entries], shown), **picked}
    return [
        {
            "name": _GROUPS[kind],
            "rows": rows,
            "open": kind == "differ",
            "queries": [[_list(entry, row, split) for entry in entries] for row in rows],
        }
        for kind, rows in picked.items()
        if rows
    ]


def _losses(entries: Sequence[Entry], log: str | Path | None) -> list[dict[str, Any]]:
    logs = [("", log)] if log is not None else [(e.name, e.log) for e in entries if e.log is not None]
    return [
        {"name": name, "figure": loss_figure(path, name=f"loss-{n}"), "progress": _progress(Path(path), n)}
        for n, (name, path) in enumerate(logs)
    ]


def _progress(log: Path, number_: int) -> str:
    """Scores of the evaluations while training, where there were at least two."""
    file = log.with_name("evaluation.csv")
    if not file.is_file() or len(read_text(file).splitlines()) < 3:
        return ""
    return progress_figure(file, name=f"progress-{number_}")


def _separations(entries: Sequence[Entry], seed: int) -> list[dict[str, Any]]:
    rows = []
    for number_, entry in enumerate(entries):
        protocol = entry.ranking.protocol
        found = separate(entry.query, entry.gallery, protocol.metric, protocol.same_camera, seed=seed)
        figure = separation_figure(found, name=f"separation-{number_}", metric=protocol.metric)
        text = f"{percent(found.overlap)} of the two shares overlap ({number(found.queries)} queries)"
        if found.without_distance:
            text += f"; {number(found.without_distance)} pairs share no visible part and have no distance"
        rows.append({"name": entry.name, "figure": figure, "text": text})
    return rows


def _seen(entries: Sequence[Entry], split: Split, groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each model looked at in the queries shown, and whom it trusted; nothing where no entry has a model."""
    rows = sorted({row for group in groups for row in group["rows"]})
    records = [split.query[row] for row in rows]
    maps: list[list[list[Explanation]]] = [
        drawn_explanations(e.model, records) if e.model is not None else [] for e in entries
    ]
    shown = []
    for place, (row, record) in enumerate(zip(rows, records, strict=True)):
        methods = [
            {"name": entry.name, "looks": found[place] if found else [], "trusted": _trusted(entry, row, split)}
            for entry, found in zip(entries, maps, strict=True)
        ]
        methods = [method for method in methods if method["looks"] or method["trusted"]]
        if methods:
            shown.append({"query": picture(record, role="query"), "methods": methods})
    return shown


def _trusted(entry: Entry, row: int, split: Split, most: int = 10) -> list[dict[str, Any]]:
    """The gallery images that a query was reconstructed from, the most trusted first."""
    if entry.trusted is None:
        return []
    pairs = sorted(entry.trusted(row), key=lambda pair: -pair[1])[:most]
    asked = split.query[row]
    return [
        {
            "picture": picture(split.gallery[index], role="neighbour"),
            "confidence": confidence,
            "correct": split.gallery[index].pid == asked.pid,
        }
        for index, confidence in pairs
    ]


def _list(entry: Entry, row: int, split: Split) -> RankedList:
    return ranked_list(
        entry.name,
        row,
        entry.query,
        entry.gallery,
        split.query,
        split.gallery,
        protocol=entry.ranking.protocol,
        average_precision=float(entry.ranking.average_precision[row]),
    )


def _strips(split: Split, seed: int, count: int = 12) -> list[dict[str, Any]]:
    parts = [("Training images", split.train), ("Queries", split.query), ("Gallery images", split.gallery)]
    generator = np.random.default_rng(seed)
    return [{"name": name, "pictures": _sample(records, count, generator)} for name, records in parts if records]


def _sample(records: Sequence[Record], count: int, generator: np.random.Generator) -> list[Picture]:
    rows = sorted(generator.permutation(len(records))[:count].tolist())
    return [picture(records[row], role="sample") for row in rows]


def _clock(seconds: float) -> str:
    """Seconds as ``1 min 05 s`` or ``4.2 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _versions() -> dict[str, str]:
    packages = ("torch", "torchvision", "timm", "lightning", "numpy", "opencv-python-headless")
    found = {"occreid": __version__, "Python": platform.python_version()}
    found |= {package: importlib.metadata.version(package) for package in packages}
    return found | {"Machine": f"{platform.system()}, {platform.machine()}"}
