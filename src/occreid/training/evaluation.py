"""Testing a model under the recipe's protocol, and the result file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from occreid.data.masks.evaluation import ORACLE, has_test_masks
from occreid.errors import UserError
from occreid.evaluation.parts import PartScores, part_iou
from occreid.extraction import Precision, extract
from occreid.files import write_json
from occreid.models import Method, PartParser, Trainable
from occreid.records import Record, Split
from occreid.retrieval import Ranking, evaluate
from occreid.training.recipe import Recipe

EXTRACT_PRECISION: dict[str, Precision] = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""The recipe's words for what `occreid.extraction` calls by torch's."""
HELD_OUT = "held_out"
"""Key of `Split.notes`: a validation set taken from the training images, masks included."""


def is_testable(model: Trainable, split: Split) -> bool:
    """Whether a benchmark has what the model is tested on: queries and a gallery, or test images with part masks."""
    if isinstance(model, Method):
        return bool(split.query and split.gallery)
    return any(record.mask is not None for record in (*split.query, *split.gallery))


def measure(
    model: Trainable, split: Split, recipe: Recipe, device: torch.device | str, progress: bool = False
) -> Ranking | PartScores:
    """Rank a benchmark's gallery for its queries; of a parsing network, compare its masks of both with true ones.

    Args:
        model: trained or not; left in eval mode.
        split: the benchmark; its own camera rule counts unless the recipe names another.
        recipe: gives the protocol, the loader's settings and the precision.
        device: where to extract.
        progress: show a bar.

    Raises:
        UserError: no query has a valid match, or an image cannot be read.
    """
    section = recipe.evaluation
    model.eval()
    if isinstance(model, PartParser) and not isinstance(model, Method):
        return part_iou(
            model,
            [record for record in (*split.query, *split.gallery) if record.mask is not None],
            batch_size=section.batch_size,
            workers=recipe.data.workers,
            device=device,
            precision=EXTRACT_PRECISION[recipe.training.precision],
            progress=progress,
        )
    assert isinstance(model, Method)  # there are no other contracts
    query, gallery = (
        extract(
            model,
            records,
            batch_size=section.batch_size,
            workers=recipe.data.workers,
            device=device,
            precision=EXTRACT_PRECISION[recipe.training.precision],
            masks=has_test_masks(split) or (split.notes.get(HELD_OUT) is not None and recipe.data.masks),
            progress=progress,
        )
        for records in (split.query, split.gallery)
    )
    ranking = evaluate(
        model.refine(query, gallery),
        model.refine(gallery, gallery),
        model.metric,
        same_camera=section.same_camera or split.same_camera,
        ap=section.ap,
        ranks=tuple(section.ranks),
        shots=section.shots,
        draws=section.draws,
        seed=recipe.training.seed,
    )
    return replace(ranking, protocol=replace(ranking.protocol, oracle=split.notes.get(ORACLE, "")))


def hold_out(split: Split, ids: int, seed: int) -> tuple[Split, Split]:
    """Take identities out of the training set for validation.

    Args:
        split: the benchmark.
        ids: how many identities to hold out.
        seed: which ones.

    Returns:
        The benchmark with the remaining training records, and a benchmark of the held-out ones: the first
        image of each person and camera is a query, all others are the gallery.

    Raises:
        UserError: fewer than two identities would be left to train.
    """
    pids = sorted({record.pid for record in split.train})
    if len(pids) - ids < 2:
        raise UserError(
            f"data.validation_ids = {ids} of {len(pids)} training identities leaves too few to train.",
            f"Hold out {max(len(pids) - 2, 0)} or fewer.",
        )
    chosen = set(np.random.default_rng(seed).choice(pids, size=ids, replace=False).tolist())
    held = [record for record in split.train if record.pid in chosen]
    query: list[Record] = []
    seen: set[tuple[int, int]] = set()
    for record in held:
        if (record.pid, record.camid) not in seen:
            seen.add((record.pid, record.camid))
            query.append(record)
    queries = set(query)
    gallery = tuple(record for record in held if record not in queries)
    remaining = tuple(record for record in split.train if record.pid not in chosen)
    notes = {HELD_OUT: "training identities"}
    validation = Split(f"{split.name}-validation", (), tuple(query), gallery, split.same_camera, notes=notes)
    return replace(split, train=remaining), validation


def result_entry(split: Split, ranking: Ranking | PartScores) -> dict[str, Any]:
    """What the result file says of one benchmark: numbers, protocol and counts."""
    if isinstance(ranking, PartScores):
        return {
            "benchmark": split.name,
            "scores": ranking.scores(),
            "protocol": {"overlap": "intersection over union of all pixels", "images": ranking.images},
            "counts": split.counts(),
            "notes": split.notes,
        }
    return {
        "benchmark": split.name,
        "scores": ranking.scores(),
        "protocol": {**asdict(ranking.protocol), "ranks": list(ranking.ranks)},
        "queries": {"valid": ranking.num_valid_queries, "skipped": ranking.num_skipped_queries},
        "counts": split.counts(),
        "notes": split.notes,
    }


def write_result(folder: Path, entries: Sequence[dict[str, Any]], facts: dict[str, Any]) -> None:
    """Write ``result.json``: the benchmarks and the facts that belong to all of them."""
    content = {"format": 1, **facts, "benchmarks": list(entries)}
    write_json(folder / "result.json", content, indent=2)
