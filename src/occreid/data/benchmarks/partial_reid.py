"""Partial-REID (Zheng et al., ICCV 2015)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from occreid.data.benchmarks._bodies import (
    GALLERY_CAMERA,
    OCCLUDED,
    PARTIAL,
    QUERY_CAMERA,
    WHOLE,
    read_bodies,
)
from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.records import Split

FACTS = Facts(
    layout=f"{OCCLUDED}, {PARTIAL}, {WHOLE} / 001_001.jpg",
    counts={"": {"query": (300, 60), "gallery": (300, 60)}},
    note="test only, train on market1501; query_kind=occluded or partial; no camera filter",
    shared_layout=True,
)


def partial_reid(root: Path, *, query_kind: Literal["occluded", "partial"] = "occluded", strict: bool = True) -> Split:
    """Read Partial-REID: all of it is test data.

    Args:
        root: the folder that holds whole_body_images, or its parent.
        query_kind: "occluded" takes the images with the obstacle, "partial" those cropped to the visible part;
            figures of the two do not compare, so it is written in the split's notes.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    kind = OCCLUDED if query_kind == "occluded" else PARTIAL
    usual = ("Partial_REID", "Partial-REID", "PartialREID", "Partial-REID_Dataset")
    folders = find_folders(root, usual, {"query": (kind,), "gallery": (WHOLE,)})
    skipped: list[Path] = []
    # A partial picture is cut to what was visible: it shows a part of the body, but no obstacle.
    query = read_bodies(folders["query"], QUERY_CAMERA, True if query_kind == "occluded" else None, skipped)
    gallery = read_bodies(folders["gallery"], GALLERY_CAMERA, False, skipped)
    notes = {"query_kind": query_kind, "cameras": "query=0, gallery=1"}
    split = Split("partial_reid", (), query, gallery, same_camera="keep", notes=notes)
    return finish(split, FACTS.counts[""], skipped, "001_001.jpg", strict)
