"""A part of Market-1501's training set, re-split by identity, and the same with occluders pasted over the queries.

400 identities to train on, 150 others to test with; a query is a person's first picture of a camera. It is not the
benchmark's own split: figures on it compare with each other only, and carry its name.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from occreid.data.benchmarks._facts import Facts, finish
from occreid.data.benchmarks._market import Names, market_folders
from occreid.data.benchmarks.market1501 import NAME
from occreid.errors import UserError
from occreid.records import Split

PASTED = "object:0.4"
"""What hides the occluded queries: a drawn thing over four tenths of a picture, see `occreid.data.occlusion.pasted`."""
_COUNTS = {"train": (6_863, 400), "query": (656, 150), "gallery": (1_916, 148)}
FACTS = {
    "market1501_mini": Facts(
        layout="bounding_box_train, query, bounding_box_test / 0002_c1s1_000451_03.jpg",
        counts={"": _COUNTS},
        note="a part of Market-1501, re-split: compares with itself only",
        shared_layout=True,
    ),
    "market1501_mini_occluded": Facts(
        layout="market1501_mini, and beside it ROOT-occluded/query of 'occreid data occlude'",
        note=f"market1501_mini, an occluder over each query ({PASTED})",
        shared_layout=True,
    ),
}
_FOLDERS = ("market1501-mini",)


def market1501_mini(root: Path, *, strict: bool = True) -> Split:
    """Read the part.

    Args:
        root: the folder, or the one that holds market1501-mini.
        strict: insist on its counts and on well-named files.

    Raises:
        UserError: missing or empty folders; when strict, misnamed files or other counts.
    """
    folders, names = market_folders(root, _FOLDERS), Names(NAME)
    train, query, gallery = (names.read(folders[part]) for part in ("train", "query", "gallery"))
    split = Split("market1501_mini", train, query, gallery, distractor_pids=frozenset({0}), notes=names.notes())
    return finish(split, _COUNTS, names.skipped, "0002_c1s1_000451_03.jpg", strict)


def occluded_queries(root: Path) -> Path:
    """Where the occluded queries of a part lie unless somebody says otherwise: ``ROOT-occluded/query``, beside it.

    Args:
        root: as `market1501_mini`.

    Raises:
        UserError: there is no part.
    """
    home = market_folders(root, _FOLDERS)["query"].parent
    return home.with_name(f"{home.name}-occluded") / "query"


def market1501_mini_occluded(root: Path, *, queries: Path | None = None, strict: bool = True) -> Split:
    """Read the part with its occluded queries; training set and gallery are as they were.

    Args:
        root: as `market1501_mini`.
        queries: folder of the occluded queries; left out, ``ROOT-occluded/query``.
        strict: as `market1501_mini`.

    Raises:
        UserError: what `market1501_mini` raises, or queries that are not there.
    """
    split = market1501_mini(root, strict=strict)
    folder = queries or occluded_queries(root)
    hidden = [folder / f"{record.path.stem}.png" for record in split.query]
    missing = [file for file in hidden if not file.is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(hidden)} occluded queries are not in {folder}, the first is {missing[0].name}.",
            f"Write them with: occreid data occlude {root} --out {folder}",
        )
    query = tuple(replace(record, path=file, occluded=True) for record, file in zip(split.query, hidden, strict=True))
    return replace(split, name="market1501_mini_occluded", query=query, notes={**split.notes, "queries": PASTED})
