"""Market-1501 (Zheng et al., ICCV 2015)."""

from __future__ import annotations

import re
from pathlib import Path

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.data.benchmarks._market import PARTS, Names
from occreid.records import Split

FACTS = Facts(
    layout="bounding_box_train, query, bounding_box_test / 0002_c1s1_000451_03.jpg",
    counts={"": {"train": (12_936, 751), "query": (3_368, 750), "gallery": (15_913, 750)}},
    note="pid -1 is junk and dropped; 0000 are distractors and stay in the gallery",
)
NAME = re.compile(r"(?P<pid>-?\d+)_c(?P<camid>\d+)s\d+_.*")


def market1501(root: Path, *, strict: bool = True, distractors_500k: bool = False) -> Split:
    """Read Market-1501.

    Args:
        root: the folder, or the one that holds Market-1501-v15.09.15 or market1501.
        strict: insist on the published counts and on well-named files.
        distractors_500k: add the folder ``images`` (the 500,000 distractors) to the gallery.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    parts = PARTS | ({"distractors": ("images",)} if distractors_500k else {})
    folders = find_folders(root, ("Market-1501-v15.09.15", "Market-1501", "market1501"), parts)
    names = Names(NAME)
    expected = dict(FACTS.counts[""])
    gallery = names.read(folders["gallery"])
    if distractors_500k:
        gallery = tuple(sorted(gallery + names.read(folders["distractors"]), key=lambda r: r.path.as_posix()))
        del expected["gallery"]
    split = Split(
        "market1501",
        names.read(folders["train"]),
        names.read(folders["query"]),
        gallery,
        distractor_pids=frozenset({0}),
        notes=names.notes() | ({"gallery": "with the 500k distractors"} if distractors_500k else {}),
    )
    return finish(split, expected, names.skipped, "0002_c1s1_000451_03.jpg", strict)
