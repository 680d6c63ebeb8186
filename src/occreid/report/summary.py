"""The words and tables of a report: scores, protocol, and where each method fails.

Everything here is plain data for the template; nothing reads a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from occreid.descriptors import Descriptors
from occreid.methods import Method
from occreid.names import name_order
from occreid.records import Record, Split
from occreid.report.pictures import THIN
from occreid.retrieval import Ranking

_RANKS = (1, 5, 10)
_Rows = dict[str, list[int]]  # a group's name → its queries


@dataclass(frozen=True, slots=True)
class Entry:
    """One method of a report.

    Attributes:
        name: how the page calls it; any text.
        ranking: the result of `occreid.retrieval.evaluate` on these descriptors.
        query, gallery: its descriptors, in the order of the split's records.
        note: a few words under the name, e.g. ``"six HSV stripes, no training"``.
        model: what described, to show what it looked at; None: nothing is shown.
        log: its ``log.csv``, for its loss curves.
        trusted: query row → gallery rows and confidences in [0, 1] of those it was reconstructed from (OR-GNN).
    """

    name: str
    ranking: Ranking
    query: Descriptors
    gallery: Descriptors
    note: str = ""
    model: Method | None = None
    log: Path | None = None
    trusted: Callable[[int], list[tuple[int, float]]] | None = None


def marked(entry: Entry) -> Entry:
    """The entry under the name that tables and figures give it: an oracle's says so."""
    return replace(entry, name=f"{entry.name} (ORACLE)") if entry.ranking.protocol.oracle else entry


def percent(share: float) -> str:
    """A share of 1 in per cent with one decimal; a dash for NaN.

    >>> percent(0.1234) == f"12.3{THIN}%", percent(float("nan"))
    (True, '–')
    """
    return "–" if math.isnan(share) else f"{100 * share:.1f}{THIN}%"


def number(count: int) -> str:
    """A count with thin spaces between thousands.

    >>> number(15618) == f"15{THIN}618"
    True
    """
    return f"{count:,}".replace(",", THIN)


def scores(ranking: Ranking) -> dict[str, float]:
    """mAP, R-1, R-5, R-10 (those the ranking holds) and mINP of a ranking, in [0, 1]."""
    wanted = {"mAP", "mINP", *(f"R-{rank}" for rank in _RANKS)}
    return {name: value for name, value in ranking.scores().items() if name in wanted}


def cmc_curve(ranking: Ranking, last: int = 50) -> dict[int, float]:
    """Share of the counted queries with a hit at each rank 1 … ``last`` or before, in [0, 1].

    It ends with the gallery; single-shot draws keep one picture of each person, so theirs ends with the persons.
    """
    first = ranking.first_ranks[:, ranking.valid]
    last = min(last, ranking.gallery.get("ids" if ranking.protocol.shots == "single" else "images", last))
    return {rank: float((first <= rank).mean()) for rank in range(1, last + 1)} if first.size else {}


def score_table(entries: Sequence[Entry]) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the scores all entries have, and one row per entry with the best of each column marked."""
    found = [scores(entry.ranking) for entry in entries]
    names = [name for name in found[0] if all(name in other for other in found)]
    best = {name: max((values[name] for values in found), default=math.nan) for name in names}
    rows = [
        {
            "name": entry.name,
            "note": entry.note,
            "numbers": number(entry.query.features[0].numel()) if len(entry.query) else "–",
            "cells": [
                {"text": percent(values[name]), "best": len(entries) > 1 and values[name] == best[name]}
                for name in names
            ],
        }
        for entry, values in zip(entries, found, strict=True)
    ]
    return names, rows


TRIAL = "This set is so small that it shows only that everything works: its numbers say nothing about any method."
"""What stands in place of `verdict` where nothing can be said."""


def verdict(entries: Sequence[Entry]) -> str:
    """One honest sentence about the first entry against the best of the others."""
    first, *others = entries
    sentence = f"{first.name[:1].upper()}{first.name[1:]} reaches {percent(first.ranking.mean_ap)} mAP"
    if 1 in first.ranking.cmc:
        sentence += f" and {percent(first.ranking.cmc[1])} rank-1"
    if not others:
        return f"{sentence}."
    rival = max(others, key=lambda entry: entry.ranking.mean_ap)
    gap = first.ranking.mean_ap - rival.ranking.mean_ap
    rest = f"the best reference, {rival.name}, with {percent(rival.ranking.mean_ap)} mAP"
    points = f"{abs(100 * gap):.1f} points"
    return f"{sentence}: {points} above {rest}." if gap > 0 else f"{sentence}: {points} below {rest}."


def tiles(entries: Sequence[Entry], split: Split) -> list[dict[str, str]]:
    """The few numbers a reader should see first."""
    first = entries[0]
    shown = [(percent(first.ranking.mean_ap), f"mAP, {first.name}")]
    if 1 in first.ranking.cmc:
        shown.append((percent(first.ranking.cmc[1]), f"rank-1, {first.name}"))
    if len(entries) > 1:
        rival = max(entries[1:], key=lambda entry: entry.ranking.mean_ap)
        shown.append((percent(rival.ranking.mean_ap), f"mAP, {rival.name}"))
    shown.append((number(len(split.query)), f"queries over {number(len(split.gallery))} gallery images"))
    return [{"value": value, "text": text} for value, text in shown]


def count_rows(split: Split) -> list[dict[str, str]]:
    """Images, persons, cameras and known occluded images of each part of a split."""
    names = {"train": "Training", "query": "Query", "gallery": "Gallery"}
    rows = []
    for part, counts in split.counts().items():
        records: Sequence[Record] = getattr(split, part)
        known = [record.occluded for record in records if record.occluded is not None]
        share = f"{number(sum(known))} ({percent(sum(known) / len(known))})" if known else "not known"
        rows.append(
            {"name": names[part], "occluded": share} | {k: number(counts[k]) for k in ("images", "ids", "cameras")}
        )
    return rows


def breakdowns(entries: Sequence[Entry], records: Sequence[Record]) -> list[dict[str, Any]]:
    """Mean AP of every entry by the query's visible share and by what hides it; empty where neither is known.

    The most frequent occluders have a row each, the rest share one.
    """
    parts = [
        ("Visible share", _band, _by_share),
        ("Hidden by", _kind, _most_frequent),
        ("Query's camera", _camera, _by_name),
    ]
    return [part for name, group, order in parts if (part := _breakdown(name, group, order, entries, records))]


def _breakdown(
    name: str,
    group: Callable[[Record], str | None],
    order: Callable[[_Rows], _Rows],
    entries: Sequence[Entry],
    records: Sequence[Record],
) -> dict[str, Any] | None:
    members: _Rows = {}
    for row, record in enumerate(records):
        label = group(record)
        if label is not None and not math.isnan(float(entries[0].ranking.average_precision[row])):
            members.setdefault(label, []).append(row)
    if len(members) < 2:
        return None
    rows = [
        {
            "name": label,
            "count": number(len(queries)),
            "cells": [percent(float(entry.ranking.average_precision[queries].mean())) for entry in entries],
        }
        for label, queries in order(members).items()
    ]
    return {"name": name, "methods": [entry.name for entry in entries], "rows": rows}


def _by_share(members: _Rows) -> _Rows:
    return {label: members[label] for label in sorted(members, key=lambda label: ("below" not in label, label))}


def _most_frequent(members: _Rows, most: int = 8) -> _Rows:
    """The largest groups; where there are more than ``most``, the small ones together."""
    ordered = dict(sorted(members.items(), key=lambda item: (-len(item[1]), item[0])))
    if len(ordered) <= most:
        return ordered
    names = list(ordered)
    kept, rest = names[: most - 1], names[most - 1 :]
    together = sorted(query for label in rest for query in ordered[label])
    return {label: ordered[label] for label in kept} | {f"{len(rest)} other kinds": together}


def _camera(record: Record) -> str | None:
    return f"camera {record.camera_name}" if record.camera_name else None


def _by_name(members: _Rows) -> _Rows:
    return {
        label: members[label] for label in sorted(members, key=lambda label: name_order(label.removeprefix("camera ")))
    }


def _kind(record: Record) -> str | None:
    if record.occluder_kind:
        return record.occluder_kind.replace("_", " ")
    return "nothing" if record.occluded is False else None


def _band(record: Record) -> str | None:
    if record.visibility is None:
        return None
    share = sum(record.visibility) / len(record.visibility)
    low = min(int(share * 4), 3) * 25
    return f"{low} to {low + 25}{THIN}%" if low else f"below 25{THIN}%"
