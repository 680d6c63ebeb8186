"""Partial-iLIDS as used since 2019: partial queries, whole gallery."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._facts import Facts
from occreid.data.benchmarks._ilids import read_ilids
from occreid.records import Split

FACTS = Facts(
    layout="Probe, Gallery (or query, gallery) / 001.jpg",
    counts={"": {"query": (238, 107), "gallery": (238, 109)}},
    note="test only, train on market1501; counts as in HPNet, Table 1; no camera filter",
    shared_layout=True,
)


def partial_ilids19(root: Path, *, strict: bool = True) -> Split:
    """Read Partial-iLIDS'19.

    Args:
        root: the folder that holds Probe and Gallery, or its parent.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    return read_ilids("partial_ilids19", "19", root, FACTS.counts[""], strict)
