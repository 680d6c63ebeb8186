"""Occluded-DukeMTMC (Miao et al., ICCV 2019): DukeMTMC-reID split anew so that all queries are occluded."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._facts import Facts, finish, warn_withdrawn
from occreid.data.benchmarks._market import Names, market_folders
from occreid.data.benchmarks.dukemtmc import NAME
from occreid.records import Split

FACTS = Facts(
    layout="bounding_box_train, query, bounding_box_test / 0001_c2_f0046182.jpg",
    counts={"": {"train": (15_618, 702), "query": (2_210, 519), "gallery": (17_661, 1_110)}},
    note="all queries occluded; inherits DukeMTMC's withdrawal",
    withdrawn=True,
    shared_layout=True,
)


def occluded_duke(root: Path, *, strict: bool = True) -> Split:
    """Read Occluded-DukeMTMC; warns that it is withdrawn.

    Args:
        root: the folder, or the one that holds Occluded_Duke.
        strict: insist on the published counts (plain DukeMTMC-reID has others) and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    folders = market_folders(root, ("Occluded_Duke", "Occluded-DukeMTMC", "Occluded-DukeMTMC-reID", "occluded_duke"))
    warn_withdrawn("Occluded-DukeMTMC")
    names = Names(NAME)
    train = names.read(folders["train"])
    query = names.read(folders["query"], occluded=True)
    gallery = names.read(folders["gallery"])
    split = Split("occluded_duke", train, query, gallery)
    return finish(split, FACTS.counts[""], names.skipped, "0001_c2_f0046182.jpg", strict)
