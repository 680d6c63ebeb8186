"""Who matches whom: for each query the gallery images that count as hits, and those nobody may see.

Letters: Q queries, G gallery images, R queries of one piece.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean

SameCamera = Literal["junk", "keep"]
"""What becomes of gallery images of the query's person from the query's camera: unseen, or hits like others."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """The pairs (query, gallery image) of the same person, hits and junk apart, both sorted by query, then image.

    Attributes:
        hit_rows, hit_columns: query and gallery index of each hit.
        junk_rows, junk_columns: likewise of the pairs that the camera rule removes.
    """

    hit_rows: Ints
    hit_columns: Ints
    junk_rows: Ints
    junk_columns: Ints

    def hits(self, start: int, stop: int) -> tuple[Ints, Ints]:
        """Rows (counted from ``start``) and columns of the hits of queries ``start … stop − 1``."""
        return _between(self.hit_rows, self.hit_columns, start, stop)

    def junk(self, start: int, stop: int) -> tuple[Ints, Ints]:
        """The same for junk."""
        return _between(self.junk_rows, self.junk_columns, start, stop)


def find_matches(query: Descriptors, gallery: Descriptors, same_camera: str) -> Matches:
    """Pair queries and gallery by person under a camera rule.

    Args:
        query: Q descriptors with pids, and camids where the rule is ``"junk"``.
        gallery: likewise.
        same_camera: see `SameCamera`.

    Raises:
        UserError: missing pids or camids, an empty side, an unknown rule, or no query with a hit (naming the cause).
    """
    check_rule(same_camera)
    for name, side in (("query", query), ("gallery", gallery)):
        if not len(side):
            raise UserError(f"the {name} holds no images.", "Check the folder it was read from.")
    query_pids, gallery_pids = numbers(query, "pids", "query"), numbers(gallery, "pids", "gallery")
    rows, columns = same_person(query_pids, gallery_pids)
    junk = np.zeros(len(rows), bool)
    if same_camera == "junk":
        hint = 'Give camera ids, or keep same-camera images: same_camera="keep" (--same-camera keep).'
        query_cameras = numbers(query, "camids", "query", hint)
        junk = query_cameras[rows] == numbers(gallery, "camids", "gallery", hint)[columns]
    if junk.all():  # also where there is no pair at all
        raise _no_match(query, gallery, len(rows))
    return Matches(rows[~junk], columns[~junk], rows[junk], columns[junk])


def junk_pairs(query: Descriptors, gallery: Descriptors, same_camera: str) -> tuple[Ints, Ints]:
    """Rows and columns of the pairs that the camera rule removes; none where a side carries no pids or camids.

    Raises:
        UserError: an unknown rule.
    """
    check_rule(same_camera)
    known = all(side.pids is not None and side.camids is not None for side in (query, gallery))
    if same_camera == "keep" or not known:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows, columns = same_person(numbers(query, "pids", "query"), numbers(gallery, "pids", "gallery"))
    same = numbers(query, "camids", "query")[rows] == numbers(gallery, "camids", "gallery")[columns]
    return rows[same], columns[same]


def same_person(query_pids: Ints, gallery_pids: Ints) -> tuple[Ints, Ints]:
    """All pairs of equal pid as rows and columns, sorted by row, then column.

    >>> same_person(np.array([5, 9, 5]), np.array([9, 5, 5]))
    (array([0, 0, 1, 2, 2]), array([1, 2, 0, 1, 2]))
    """
    order = np.argsort(gallery_pids, kind="stable")
    in_order = gallery_pids[order]
    first = np.searchsorted(in_order, query_pids, "left")
    counts = np.searchsorted(in_order, query_pids, "right") - first
    rows = np.repeat(np.arange(len(query_pids)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[np.repeat(first, counts) + within]


def numbers(side: Descriptors, name: str, where: str, hint: str = "Extract it from records that carry them.") -> Ints:
    """``pids`` or ``camids`` of one side as an array, or a `UserError` that names what is missing."""
    values: Tensor | None = getattr(side, name)
    if values is None:
        raise UserError(f"the {where} descriptors carry no {name}.", hint)
    return values.cpu().numpy().astype(np.int64)


def check_rule(same_camera: str) -> None:
    """Raise a `UserError` unless this is a `SameCamera`."""
    if same_camera not in get_args(SameCamera):
        raise UserError(f"there is no camera rule '{same_camera}'.", did_you_mean(same_camera, get_args(SameCamera)))


def _between(rows: Ints, columns: Ints, start: int, stop: int) -> tuple[Ints, Ints]:
    first, last = np.searchsorted(rows, (start, stop))
    return rows[first:last] - start, columns[first:last]


def _no_match(query: Descriptors, gallery: Descriptors, removed: int) -> UserError:
    """Why no query has a hit, in the words of the user's own data."""
    if removed:
        cameras = sorted({str(name) for name in query.cameras or numbers(query, "camids", "query").tolist()})
        seen = f"all from camera {cameras[0]}" if len(cameras) == 1 else f"from {len(cameras)} cameras"
        return UserError(
            f"no query has a match: the camera rule removed all {removed} gallery images of the queries' persons "
            f"(queries {seen}; each person's gallery images come from the query's own camera).",
            "Check that camera ids were read from the file names, or keep such images: --same-camera keep",
        )
    ids = [sorted(set(numbers(side, "pids", "").tolist())) for side in (query, gallery)]
    examples = [", ".join(map(str, i[:3])) + (", …" if len(i) > 3 else "") for i in ids]
    return UserError(
        f"no query has a match: query{_folder(query)} has {len(ids[0])} ids ({examples[0]}), "
        f"gallery{_folder(gallery)} has {len(ids[1])} ({examples[1]}), and none is in both.",
        "One of the two comes from the wrong folder or another benchmark, or ids were read from the wrong part of "
        "the name: see occreid data verify",
    )


def _folder(side: Descriptors) -> str:
    """Where the images lie, as `` (folder)``, or nothing where there is no common one."""
    if not side.paths:
        return ""
    folders = {os.path.dirname(str(path)) for path in side.paths}
    common = folders.pop() if len(folders) == 1 else ""
    return f" ({common})" if common else ""
