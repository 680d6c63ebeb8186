"""Partial-iLIDS (Zheng et al., CVPR 2011) as used since 2018 and since 2019: partial queries, whole gallery."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._bodies import GALLERY_CAMERA, QUERY_CAMERA, read_bodies
from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.records import Split

_LAYOUT = "Probe, Gallery (or query, gallery) / 001.jpg"
FACTS = {
    "partial_ilids18": Facts(
        layout=_LAYOUT,
        counts={"": {"query": (119, 119), "gallery": (119, 119)}},
        note="test only, train on market1501; one image per id and part; no camera filter",
        shared_layout=True,
    ),
    "partial_ilids19": Facts(
        layout=_LAYOUT,
        counts={"": {"query": (238, 107), "gallery": (238, 109)}},
        note="test only, train on market1501; counts as in HPNet, Table 1; no camera filter",
        shared_layout=True,
    ),
}
_USUAL = ("Partial_iLIDS", "Partial-iLIDS", "PartialiLIDS", "P-iLIDS")
_PARTS = {"query": ("Probe", "query"), "gallery": ("Gallery",)}


def partial_ilids18(root: Path, *, strict: bool = True) -> Split:
    """Read Partial-iLIDS'18.

    Args:
        root: the folder that holds Probe and Gallery, or its parent.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    return _read("partial_ilids18", root, strict)


def partial_ilids19(root: Path, *, strict: bool = True) -> Split:
    """Read Partial-iLIDS'19; the arguments of `partial_ilids18`.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    return _read("partial_ilids19", root, strict)


def _read(name: str, root: Path, strict: bool) -> Split:
    """A version whose folder may carry its year, e.g. Partial-iLIDS18."""
    dated = tuple(f"{usual}{mark}{name[-2:]}" for usual in _USUAL for mark in ("", "_", "-"))
    folders = find_folders(root, (*dated, *_USUAL), _PARTS)
    skipped: list[Path] = []
    query = read_bodies(folders["query"], QUERY_CAMERA, None, skipped)
    gallery = read_bodies(folders["gallery"], GALLERY_CAMERA, False, skipped)
    split = Split(name, (), query, gallery, same_camera="keep", notes={"cameras": "query=0, gallery=1"})
    return finish(split, FACTS[name].counts[""], skipped, "001.jpg", strict)
