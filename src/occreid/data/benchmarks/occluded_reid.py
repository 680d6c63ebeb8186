"""Occluded-REID (Zhuo et al., ICME 2018), and trees like P-DukeMTMC-reID that are laid out alike."""

from __future__ import annotations

from pathlib import Path

from occreid.data.benchmarks._bodies import GALLERY_CAMERA, OCCLUDED, QUERY_CAMERA, WHOLE, read_bodies
from occreid.data.benchmarks._facts import Facts, finish, warn_withdrawn
from occreid.data.benchmarks._files import find_folders
from occreid.data.walk import existing_folder
from occreid.errors import UserError
from occreid.records import Split

FACTS = Facts(
    layout=f"{OCCLUDED}, {WHOLE} / 001/001_01.tif; P-DukeMTMC-reID: the same two in train and test",
    counts={
        "": {"query": (1_000, 200), "gallery": (1_000, 200)},
        "p_dukemtmc": {"train": (12_927, 665), "query": (2_163, 634), "gallery": (9_053, 634)},
    },
    note="test only, train on market1501; occluded queries, whole gallery; no camera filter",
)
_USUAL = ("Occluded_REID", "Occluded-REID", "OccludedREID", "P-DukeMTMC-reID", "P-DukeMTMC-reid", "P-DukeMTMC")


def occluded_reid(root: Path, *, strict: bool = True) -> Split:
    """Read Occluded-REID, or a tree of the same layout below ``train`` and ``test`` (P-DukeMTMC-reID).

    Args:
        root: the folder that holds occluded_body_images and whole_body_images (or train and test), or its parent.
        strict: insist on the published counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    skipped: list[Path] = []
    existing_folder(root)
    try:
        folders = find_folders(root, _USUAL, {"query": (OCCLUDED,), "gallery": (WHOLE,)})
    except UserError as error:
        try:
            folders = find_folders(root, _USUAL, _duke_parts())
        except UserError:
            raise error from None  # the message about the layout that bears the benchmark's name
    query = read_bodies(folders["query"], QUERY_CAMERA, True, skipped)
    gallery = read_bodies(folders["gallery"], GALLERY_CAMERA, False, skipped)
    name, variant, train = "occluded_reid", "", ()
    if "train_whole" in folders:
        warn_withdrawn("P-DukeMTMC-reID")
        name = variant = "p_dukemtmc"
        train = read_bodies(folders["train_occluded"], QUERY_CAMERA, True, skipped)
        train += read_bodies(folders["train_whole"], GALLERY_CAMERA, False, skipped)
    split = Split(name, train, query, gallery, same_camera="keep", notes={"cameras": "query=0, gallery=1"})
    return finish(split, FACTS.counts[variant], skipped, "001/001_01.tif", strict)


def _duke_parts() -> dict[str, tuple[str]]:
    return {
        "query": (f"test/{OCCLUDED}",),
        "gallery": (f"test/{WHOLE}",),
        "train_occluded": (f"train/{OCCLUDED}",),
        "train_whole": (f"train/{WHOLE}",),
    }
