"""Partial-iLIDS as used since 2018: partial queries, whole gallery."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._facts import Facts
from occreid.data.benchmarks._ilids import read_ilids
from occreid.records import Split

FACTS = Facts(
    layout="Probe, Gallery (or query, gallery) / 001.jpg",
    counts={"": {"query": (119, 119), "gallery": (119, 119)}},
    note="test only, train on market1501; one image per id and part; no camera filter",
    shared_layout=True,
)


def partial_ilids18(root: Path, *, strict: bool = True) -> Split:
    """Read Partial-iLIDS'18.

    Args:
        root: the folder that holds Probe and Gallery, or its parent.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    return read_ilids("partial_ilids18", "18", root, FACTS.counts[""], strict)
