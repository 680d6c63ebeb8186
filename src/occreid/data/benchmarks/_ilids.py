"""What the two versions of Partial-iLIDS share."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._bodies import GALLERY_CAMERA, QUERY_CAMERA, read_bodies
from occreid.data.benchmarks._facts import Counts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.records import Split

_USUAL = ("Partial_iLIDS", "Partial-iLIDS", "PartialiLIDS", "P-iLIDS")
_PARTS = {"query": ("Probe", "query"), "gallery": ("Gallery",)}


def read_ilids(name: str, year: str, root: Path, expected: Counts, strict: bool) -> Split:
    """Read a version of Partial-iLIDS whose folder may carry its year, e.g. Partial-iLIDS18.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    dated = tuple(f"{usual}{mark}{year}" for usual in _USUAL for mark in ("", "_", "-"))
    folders = find_folders(root, (*dated, *_USUAL), _PARTS)
    skipped: list[Path] = []
    query = read_bodies(folders["query"], QUERY_CAMERA, None, skipped)
    gallery = read_bodies(folders["gallery"], GALLERY_CAMERA, False, skipped)
    split = Split(name, (), query, gallery, same_camera="keep", notes={"cameras": "query=0, gallery=1"})
    return finish(split, expected, skipped, "001.jpg", strict)
