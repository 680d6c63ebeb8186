"""DukeMTMC-reID (Zheng et al., ICCV 2017), withdrawn by the authors of DukeMTMC: loader only."""

from __future__ import annotations

import re
from pathlib import Path

from occreid.data.benchmarks._facts import Facts, finish, warn_withdrawn
from occreid.data.benchmarks._market import Names, market_folders
from occreid.records import Split

FACTS = Facts(
    layout="bounding_box_train, query, bounding_box_test / 0001_c2_f0046182.jpg",
    counts={"": {"train": (16_522, 702), "query": (2_228, 702), "gallery": (17_661, 1_110)}},
    note="408 gallery ids have no query; they are ordinary ids",
    withdrawn=True,
)
NAME = re.compile(r"(?P<pid>\d+)_c(?P<camid>\d+)_f\d+.*")


def dukemtmc(root: Path, *, strict: bool = True) -> Split:
    """Read DukeMTMC-reID; warns that it is withdrawn.

    Args:
        root: the folder, or the one that holds DukeMTMC-reID.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    folders = market_folders(root, ("DukeMTMC-reID", "dukemtmc", "dukemtmcreid", "duke"))
    warn_withdrawn("DukeMTMC-reID")
    names = Names(NAME)
    train, query, gallery = (names.read(folders[part]) for part in ("train", "query", "gallery"))
    split = Split("dukemtmc", train, query, gallery)
    return finish(split, FACTS.counts[""], names.skipped, "0001_c2_f0046182.jpg", strict)
