"""Shorter descriptors on disk, by a projection learned on training images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.saved import PARTS, part_folder, read_about, write_about
from occreid.retrieval import Projection, fit_projection

PROJECTION = "projection.safetensors"


def shorten_folder(
    source: Path,
    out: Path,
    dim: int = 512,
    whiten: float = 0.0,
    *,
    fit: Path | None = None,
    projection: Path | None = None,
) -> dict[str, Any]:
    """Shorten the descriptors of a folder of `occreid extract`.

    Args:
        source: the folder.
        out: the folder to write; new or empty.
        dim: numbers kept of a descriptor (of each part).
        whiten: 0 keeps the variances, 1 makes all equal.
        fit: descriptors to learn on; left out, the train part of the folder.
        projection: use this one, learned before.

    Returns:
        What the new folder says of it: numbers before and after, share of the variance kept, images learned on.

    Raises:
        UserError: the folder is not empty, there is nothing to learn on, or the projection is of another metric.
    """
    about = read_about(source)
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty.", "Choose another --out.")
    learned = _learned(fit or source / "train", about["metric"], dim, whiten) if projection is None else None
    learned = learned or Projection.load(str(projection))
    if learned.metric != about["metric"]:
        raise UserError(
            f"{projection} was learned for the metric {learned.metric}, {source} is compared by {about['metric']}.",
            "Learn one on descriptors of the same model.",
        )
    folder = part_folder(source)
    short = {part: learned.apply(Descriptors.load(folder / part)) for part in PARTS if (folder / part).is_dir()}
    for part, descriptors in short.items():
        descriptors.save(out / part)
    learned.save(out / PROJECTION)
    groups, inputs, outputs = learned.components.shape
    done = {
        "from": groups * inputs,
        "to": groups * outputs,
        "whiten": learned.whiten,
        "variance_kept": learned.kept,
        "learned_on": learned.images,
    }
    write_about(out, {**about, "shortened": done})
    return done


def _learned(fit: Path, metric: Any, dim: int, whiten: float) -> Projection:
    if not fit.is_dir():
        raise UserError(
            f"there are no descriptors of training images in {fit}.",
            "Write them with: occreid extract --parts train,query,gallery; or give --fit or --projection.",
        )
    return fit_projection(Descriptors.load(fit), metric, dim, whiten)
