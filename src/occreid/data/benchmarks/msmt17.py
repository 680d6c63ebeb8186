"""MSMT17 (Wei et al., CVPR 2018), version 1, version 2 (faces masked), or re-packed in Market-1501's layout."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from occreid.data.benchmarks._facts import Counts, Facts, finish
from occreid.data.benchmarks._files import find_folders
from occreid.data.benchmarks._market import PARTS, Names
from occreid.data.walk import existing_folder, files_under
from occreid.errors import UserError
from occreid.files import read_text
from occreid.records import Record, Split

_TEST: Counts = {"query": (11_659, 3_060), "gallery": (82_161, 3_060)}
FACTS = Facts(
    layout="train, test (V1) or mask_train_v2, mask_test_v2 (V2), list_{train,val,query,gallery}.txt; or Market-1501's",
    counts={"trainval": {"train": (32_621, 1_041), **_TEST}, "train": _TEST},
    note="train=train or trainval, written in the result; test ids follow the training ids",
    shared_layout=True,
)
_USUAL = {"v2": ("MSMT17_V2",), "v1": ("MSMT17_V1",), "either": ("MSMT17",)}
_FOLDERS = {
    "v1": {"train": ("train",), "test": ("test",)},
    "v2": {"train": ("mask_train_v2",), "test": ("mask_test_v2",)},
}
_CAMERA = re.compile(r"[^_]+_[^_]+_(?P<camid>\d+)_.+")
_REPACKED = re.compile(r"(?P<pid>\d+)_c(?P<camid>\d+).*")


def msmt17(
    root: Path,
    *,
    train: Literal["train", "trainval"] = "train",
    version: Literal["v1", "v2"] | None = None,
    strict: bool = True,
) -> Split:
    """Read MSMT17.

    Published figures differ in what they trained on, so ``train`` is written in the split's notes. In the lists
    ids start at 0 again for the test part; here they follow the training ids, so that no two persons share one.

    Args:
        root: the folder with the lists, or the one that holds MSMT17_V1, MSMT17_V2 or MSMT17.
        train: "train" reads list_train.txt alone, "trainval" list_val.txt, too.
        version: which one to read where a folder holds both.
        strict: insist on the published counts (of "train" alone, only the test part's are published).

    Raises:
        UserError: missing folders, lists or images, both versions and none chosen, other counts when strict.
    """
    existing_folder(root)
    usual = tuple(name for key in _USUAL if version in (None, key) or key == "either" for name in _USUAL[key])
    wanted = [version] if version else ["v1", "v2"]
    found = {v: folders for v in wanted if (folders := _try(root, usual, _FOLDERS[v]))}
    if len(found) > 1:
        raise UserError(f"{root} holds both versions of MSMT17.", "Choose one with version=v1 or version=v2.")
    skipped: list[Path] = []
    if found:
        ((chosen, folders),) = found.items()
        split = _listed(folders["train"], folders["test"], train)
    else:
        chosen = "re-packed"
        split, skipped = _repacked(root, usual, train)
    split = replace(split, notes={"train": train, "version": chosen, **split.notes})
    return finish(split, FACTS.counts[train], skipped, "0000_c1_….jpg", strict)


def _try(root: Path, usual: tuple[str, ...], parts: dict[str, tuple[str, ...]]) -> dict[str, Path] | None:
    """The folders of one layout, or None where it is not there."""
    try:
        return find_folders(root, usual, parts)
    except UserError:
        return None


def _listed(train_folder: Path, test_folder: Path, train: str) -> Split:
    base = train_folder.parent
    lists = {name: _read_list(base / f"list_{name}.txt") for name in ("train", "val", "query", "gallery")}
    offset = 1 + max(pid for name in ("train", "val") for _, pid in lists[name])
    chosen = lists["train"] + (lists["val"] if train == "trainval" else [])
    return Split(
        "msmt17",
        _records(train_folder, chosen, 0),
        _records(test_folder, lists["query"], offset),
        _records(test_folder, lists["gallery"], offset),
        notes={"test_pid_offset": str(offset)},
    )


def _read_list(path: Path) -> list[tuple[str, int]]:
    """(relative path, pid) of each line of a list file."""
    if not path.is_file():
        raise UserError(f"there is no list {path}.", "MSMT17 needs list_train.txt, list_val, list_query, list_gallery.")
    entries: list[tuple[str, int]] = []
    for number, line in enumerate(read_text(path, what="the list").splitlines(), start=1):
        name, _, pid = line.strip().rpartition(" ")
        if name and pid.isdecimal() and _CAMERA.fullmatch(Path(name).name):
            entries.append((name.strip(), int(pid)))
        elif line.strip():
            raise UserError(
                f"{path} line {number} is '{line.strip()}'.",
                "A line is like: 0000/0000_000_01_0303morning_0015_0.jpg 0",
            )
    if not entries:
        raise UserError(f"the list {path} is empty.", "A line is like: 0000/0000_000_01_0303morning_0015_0.jpg 0")
    return entries


def _records(folder: Path, entries: list[tuple[str, int]], offset: int) -> tuple[Record, ...]:
    on_disk = {path.relative_to(folder).as_posix() for path in files_under(folder)}
    missing = sorted({name for name, _ in entries} - on_disk)
    if missing:
        raise UserError(
            f"{len(missing)} images that the lists name are not in {folder}: {', '.join(missing[:5])}.",
            "Unpack the archive again.",
        )
    cameras = [int(_CAMERA.fullmatch(Path(name).name)["camid"]) for name, _ in sorted(entries)]  # type: ignore[index]
    return tuple(
        Record(folder / name, pid + offset, camera - 1, camera=str(camera))
        for (name, pid), camera in zip(sorted(entries), cameras, strict=True)
    )


def _repacked(root: Path, usual: tuple[str, ...], train: str) -> tuple[Split, list[Path]]:
    try:
        folders = find_folders(root, usual, PARTS)
    except UserError as error:
        raise UserError(
            f"{root} holds MSMT17 in no known layout.",
            f"Looked there and in {', '.join(usual)} for train and test, mask_train_v2 and mask_test_v2, "
            "or bounding_box_train, query and bounding_box_test.",
        ) from error
    if train == "train":
        raise UserError(
            f"{root} is re-packed: nothing says which training images are validation images.",
            "Read it with train=trainval.",
        )
    names = Names(_REPACKED)
    people = names.read(folders["train"])
    offset = 1 + max(record.pid for record in people)
    query, gallery = names.read(folders["query"]), names.read(folders["gallery"])
    if {r.pid for r in people} & {r.pid for r in query + gallery}:
        query, gallery = (tuple(replace(r, pid=r.pid + offset) for r in part) for part in (query, gallery))
    else:
        offset = 0
    notes = {"test_pid_offset": str(offset)}
    return Split("msmt17", people, query, gallery, notes=notes), names.skipped
