"""Which crops may be occluded: proposed from keypoints, for a person to correct."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from occreid.annotate.construction.keypoints import missing_run, read_keypoints, require_own_names
from occreid.annotate.construction.review import Crop, read_review, write_review
from occreid.data.benchmarks.folder import PATTERN, compiled, parse_names
from occreid.errors import UserError


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed.

    Attributes:
        page: the HTML page to correct it on.
        crops: number of crops.
        occluded: how many of them are proposed as occluded.
        unknown: how many have no keypoints; they are among the occluded.
        skipped: image files whose names do not fit.
    """

    page: Path
    crops: int
    occluded: int
    unknown: int
    skipped: int


def find_crops(crops: Path, pattern: str | None = None) -> tuple[list[Crop], int]:
    """Crops in a folder, none of them occluded yet, and how many image files have other names.

    Args:
        crops: the folder.
        pattern: regular expression of their file names, see `occreid.data.benchmarks.folder.folder`.

    Raises:
        UserError: no such folder, no crop in it, or two of one name: keypoints go by name.
    """
    if not crops.is_dir():
        raise UserError(f"there is no folder {crops}.", "Give the folder of the crops.")
    skipped: list[Path] = []
    rows = parse_names(crops, "crops", compiled(pattern or PATTERN), skipped)
    require_own_names(row.path for row in rows)
    found = [Crop(row.path.relative_to(crops).as_posix(), row.pid, row.camera or "", False, "") for row in rows]
    return found, len(skipped)


def propose(
    crops: Path,
    review: Path,
    keypoints: Callable[[list[Path]], Path],
    *,
    pattern: str | None = None,
    score: float = 0.3,
    hint: str = "Are the file names the same?",
) -> Proposal:
    """Write the table of crops with those proposed as occluded, and the page to correct it on.

    Args:
        crops: the folder of crops.
        review: the table to write; the page lies beside it.
        keypoints: files of the crops → the file of their keypoints.
        pattern: see `find_crops`.
        score: see `occreid.annotate.construction.read_keypoints`.
        hint: where no crop has keypoints.

    Raises:
        UserError: as `find_crops` and ``keypoints``; keypoints of none of the crops; or a table that is there already
            and was proposed otherwise: it may hold corrections.
    """
    rows, skipped = find_crops(crops, pattern)
    file = keypoints([crops / row.path for row in rows])
    found = read_keypoints(file, score)
    unknown = sum(Path(row.path).name not in found for row in rows)
    if unknown == len(rows):
        raise UserError(f"{file} has keypoints of none of the {len(rows)} crops.", hint)
    proposed = []
    for row in rows:
        why = missing_run(found.get(Path(row.path).name))
        proposed.append(Crop(row.path, row.pid, row.camid, why is not None, why or ""))
    if review.exists() and set(read_review(review)) != set(proposed):
        raise UserError(
            f"{review} is there already and differs: it may hold corrections.",
            "Build from it with --out, or give another --review to propose anew.",
        )
    page = review.with_suffix(".html")
    write_review(proposed, crops, page, review)
    return Proposal(page, len(rows), sum(crop.occluded for crop in proposed), unknown, skipped)
