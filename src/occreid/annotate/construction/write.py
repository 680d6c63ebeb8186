"""The benchmark on disk: Market-1501's layout, a table for the `folder` loader, and a card."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from occreid.annotate.construction.leaks import Leak, find_leaks
from occreid.annotate.construction.protocol import TRAIN_OCCLUDED, Plan
from occreid.annotate.construction.review import Crop
from occreid.files import new_folder
from occreid.names import name_order, whole_number

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
TABLE, CARD, LEAKS = "benchmark.csv", "card.md", "leaks.csv"


def write_benchmark(plan: Plan, root: Path, out: Path, *, seed: int, distance: int = 3) -> list[Leak]:
    """Copy the pictures into parts, and say how the benchmark came about.

    The folder appears whole or not at all. The table has persons and cameras as they were called. File names, which
    Market-1501's layout wants numbered, have their numbers, or where they are words the place in sorted order, which
    the card explains; where no camera is known, those of queries and training pictures have camera 1 and those of
    gallery pictures camera 2, so that no camera rule bites.

    Args:
        plan: the splits.
        root: folder of the crops.
        out: new folder; ``bounding_box_train``, ``query``, ``bounding_box_test``, ``benchmark.csv``, ``card.md``
            and, where there are leaks, ``leaks.csv`` are written.
        seed: that the plan was drawn with, for the card.
        distance: of hashes up to which two pictures are nearly equal, see `find_leaks`.

    Returns:
        The leaks found; they are reported, not removed.

    Raises:
        UserError: the folder exists, cannot be written, or a picture cannot be read.
    """
    names = _names(plan)
    with new_folder(out) as half:
        parts = {part: [(c.path, c.pid) for c in own] for part, own in plan.parts().items()}
        leaks = find_leaks(parts, root, distance)
        for part, own in plan.parts().items():
            (half / FOLDERS[part]).mkdir(parents=True)
            for crop in own:
                shutil.copyfile(root / crop.path, half / names[crop.path])
        _write_table(half / TABLE, plan, names)
        if leaks:
            _write_leaks(half / LEAKS, leaks)
        (half / CARD).write_text(card(plan, leaks, seed), encoding="utf-8")
    return leaks


def card(plan: Plan, leaks: Sequence[Leak], seed: int) -> str:
    """The data card: figures like those of the SSGR paper's Table 2, the rules, and what a user must know."""
    everything = [c for own in plan.parts().values() for c in own]
    cameras = {c.camid for c in everything} - {""}
    amounts = plan.amounts
    rows = [
        f"| {part} | {len({c.pid for c in own}):,} | {len(own):,} | {_share(own)} |"
        for part, own in (*plan.parts().items(), ("overall", tuple(everything)))
    ]
    hidden = Counter(c.why or "marked by hand" for c in everything if c.occluded)
    parts = [f"| {why} | {count:,} |" for why, count in sorted(hidden.items(), key=lambda p: (-p[1], p[0]))]
    return "\n".join(
        [
            "# Data card",
            "",
            "| part | persons | images | occluded |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Cameras: {len(cameras) or 'unknown; in file names queries have 1, gallery pictures 2'}. "
            f"Persons who fit no part: {plan.unused_persons:,}. Seed: {seed}.",
            "",
            "| first missing line of keypoints | occluded images |",
            "|---|---|",
            *parts,
            "",
            *_legend(plan),
            "## How it was made",
            "",
            "After OPReID (SSGR paper, Section 4). A picture that misses three keypoints in a row is a candidate for "
            "occluded; the candidates were open to correction by hand.",
            "",
            f"- Queries are occluded, at most {amounts.queries} of a person; their persons have up to "
            f"{amounts.gallery} occluded and as many holistic pictures in the gallery.",
            f"- Other persons have {amounts.others[0]}–{amounts.others[1]} occluded and as many holistic ones.",
            f"- Training persons are nobody of these and have {amounts.train[0]}–{amounts.train[1]} pictures, about "
            f"{TRAIN_OCCLUDED:.0%} occluded.",
            "",
            "## Leaks",
            "",
            f"{len(leaks):,} pairs of nearly equal pictures across training and test, or across persons"
            + (f"; they are listed in {LEAKS}." if leaks else "."),
            "",
            "## Before you use or share it",
            "",
            "These may be pictures of people who never agreed to be found again. Mask heads with "
            "`occreid data anonymize`, keep the set no longer than its purpose lasts, and say where it came from.",
            "",
        ]
    )


def _share(own: Sequence[Crop]) -> str:
    return f"{sum(c.occluded for c in own) / len(own):.0%}" if own else "–"


def _names(plan: Plan) -> dict[str, str]:
    """Old path → new path, Market-1501's way."""
    everything = [(part, crop) for part, own in plan.parts().items() for crop in own]
    pids = _numbers({crop.pid for _, crop in everything})
    cameras = _numbers({_camera(part, crop) for part, crop in everything})
    taken: Counter[int] = Counter()
    names = {}
    for part, crop in everything:
        pid, camera = pids[crop.pid], cameras[_camera(part, crop)]
        name = f"{pid:04d}_c{camera}s1_{taken[pid]:06d}_00{Path(crop.path).suffix.lower()}"
        names[crop.path] = f"{FOLDERS[part]}/{name}"
        taken[pid] += 1
    return names


def _camera(part: str, crop: Crop) -> str:
    """The camera's name; where it is not known, one for the queries and training pictures and one for the gallery."""
    return crop.camid or ("unknown, gallery" if part == "gallery" else "unknown")


def _numbers(names: set[str]) -> dict[str, int]:
    """A number for file names of each name: its own where all are numbers from 1, else its place in sorted order."""
    own = {name: number for name in names if (number := whole_number(name)) is not None and number > 0}
    if len(set(own.values())) == len(names):
        return own
    return {name: number for number, name in enumerate(sorted(names, key=name_order), start=1)}


def _legend(plan: Plan) -> list[str]:
    """Of the data card: which numbers of file names stand for which words, where there are words."""
    everything = [(part, crop) for part, own in plan.parts().items() for crop in own]
    known, lines = any(crop.camid for _, crop in everything), []
    for kind, names in (
        ("persons", {crop.pid for _, crop in everything}),
        ("cameras", {_camera(part, crop) for part, crop in everything} if known else set()),
    ):
        numbers = _numbers(names)
        if any(whole_number(name) != number for name, number in numbers.items()):
            pairs = ", ".join(f"{number} is {name}" for name, number in sorted(numbers.items(), key=lambda p: p[1]))
            lines.append(f"- In file names, {kind}: {pairs}.")
    return ["## Names", "", f"{TABLE} has persons and cameras as they were called.", "", *lines, ""] if lines else []


def _write_table(file: Path, plan: Plan, names: dict[str, str]) -> None:
    known = any(crop.camid for own in plan.parts().values() for crop in own)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("path", "pid", "camid", "split", "occluded"))
        for part, own in plan.parts().items():
            for crop in own:
                camera = _camera(part, crop) if known else ""
                writer.writerow((names[crop.path], crop.pid, camera, part, "true" if crop.occluded else "false"))


def _write_leaks(file: Path, leaks: Sequence[Leak]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("first", "part", "second", "part", "bits"))
        writer.writerows((k.first, k.parts[0], k.second, k.parts[1], k.distance) for k in leaks)
