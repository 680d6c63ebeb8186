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

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
TABLE, CARD, LEAKS = "benchmark.csv", "card.md", "leaks.csv"


def write_benchmark(plan: Plan, root: Path, out: Path, *, seed: int, distance: int = 3) -> list[Leak]:
    """Copy the pictures into parts, and say how the benchmark came about.

    The folder appears whole or not at all. Persons and cameras are renumbered in sorted order; where no camera is
    known, queries and training pictures get camera 1 and gallery pictures camera 2, so that no camera rule bites.

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
            f"Cameras: {len(cameras) or 'unknown; queries are numbered 1, gallery pictures 2'}. "
            f"Persons who fit no part: {plan.unused_persons:,}. Seed: {seed}.",
            "",
            "| first missing line of keypoints | occluded images |",
            "|---|---|",
            *parts,
            "",
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
    pids = {pid: number for number, pid in enumerate(sorted({c.pid for _, c in everything}, key=_natural), start=1)}
    known = sorted({c.camid for _, c in everything} - {""}, key=_natural)
    cameras = {camid: number for number, camid in enumerate(known, start=1)}
    taken: Counter[int] = Counter()
    names = {}
    for part, crop in everything:
        pid, camera = pids[crop.pid], cameras.get(crop.camid, 2 if part == "gallery" else 1)
        name = f"{pid:04d}_c{camera}s1_{taken[pid]:06d}_00{Path(crop.path).suffix.lower()}"
        names[crop.path] = f"{FOLDERS[part]}/{name}"
        taken[pid] += 1
    return names


def _natural(text: str) -> tuple[int, int, str]:
    return (0, int(text), text) if text.isdecimal() else (1, 0, text)


def _write_table(file: Path, plan: Plan, names: dict[str, str]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("path", "pid", "camid", "split", "occluded"))
        for part, own in plan.parts().items():
            for crop in own:
                name = names[crop.path]
                pid, camera = name.rpartition("/")[2].split("_")[:2]
                writer.writerow((name, int(pid), camera.split("s")[0][1:], part, "true" if crop.occluded else "false"))


def _write_leaks(file: Path, leaks: Sequence[Leak]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("first", "part", "second", "part", "bits"))
        writer.writerows((k.first, k.parts[0], k.second, k.parts[1], k.distance) for k in leaks)
