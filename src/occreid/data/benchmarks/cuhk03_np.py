"""CUHK03 in the new protocol (Li et al., CVPR 2014; Zhong et al., CVPR 2017)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.data.benchmarks._market import PARTS, Names
from occreid.records import Split

FACTS = Facts(
    layout="{labeled,detected}/{bounding_box_train,query,bounding_box_test} / 0001_c1_1.png",
    counts={
        "labeled": {"train": (7_368, 767), "query": (1_400, 700), "gallery": (5_328, 700)},
        "detected": {"train": (7_365, 767), "query": (1_400, 700), "gallery": (5_332, 700)},
    },
    note="new protocol 767/700; boxes=labeled or detected",
)
_NAME = re.compile(r"(?P<pid>\d+)_c(?P<camid>\d+)_\d+\..*")


def cuhk03_np(root: Path, *, boxes: Literal["labeled", "detected"] = "detected", strict: bool = True) -> Split:
    """Read CUHK03-NP.

    Args:
        root: the folder that holds ``labeled`` and ``detected``, or the one that holds cuhk03-np.
        boxes: persons boxed by hand or by a detector.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    parts = {part: tuple(f"{boxes}/{name}" for name in names) for part, names in PARTS.items()}
    folders = find_folders(root, ("cuhk03-np", "cuhk03_np", "CUHK03-NP"), parts)
    names = Names(_NAME)
    train, query, gallery = (names.read(folders[part]) for part in ("train", "query", "gallery"))
    split = Split("cuhk03_np", train, query, gallery, notes={"boxes": boxes})
    return finish(split, FACTS.counts[boxes], names.skipped, "0001_c1_1.png", strict)
