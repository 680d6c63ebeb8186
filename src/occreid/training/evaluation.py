"""Testing a model under the recipe's protocol, and the result file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from occreid.data.masks.evaluation import TEST_MASKS
from occreid.errors import UserError
from occreid.evaluation import measure
from occreid.evaluation.describe import PRECISIONS
from occreid.evaluation.parts import PartScores, part_iou
from occreid.files import write_json
from occreid.models import Method, PartParser, Trainable
from occreid.records import Record, Split
from occreid.retrieval import Protocol, Ranking
from occreid.training.recipe import Recipe

HELD_OUT = "held_out"
"""Key of `Split.notes`: a validation set taken from the training images."""


def is_testable(model: Trainable, split: Split) -> bool:
    """Whether a benchmark has what the model is tested on: queries and a gallery, or test images with part masks."""
    if isinstance(model, Method):
        return bool(split.query and split.gallery)
    return any(record.mask is not None for record in (*split.query, *split.gallery))


def evaluate_split(
    model: Trainable, split: Split, recipe: Recipe, device: torch.device | str, progress: bool = False
) -> Ranking | PartScores:
    """Rank a benchmark's gallery for its queries; of a parsing network, compare its masks of both with true ones.

    Args:
        model: trained or not; left in the mode it came in.
        split: the benchmark; its own camera rule counts unless the recipe names another.
        recipe: gives the protocol, the loader's settings and the precision.
        device: where to describe.
        progress: show a bar.

    Raises:
        UserError: no query has a valid match, or an image cannot be read.
    """
    how: dict[str, Any] = {
        "batch_size": recipe.evaluation.batch_size,
        "workers": recipe.data.workers,
        "device": device,
        "precision": PRECISIONS[recipe.training.precision],
        "progress": progress,
    }
    if isinstance(model, Method):
        return measure(model, split, Protocol.of(recipe, split), **how)
    assert isinstance(model, PartParser)  # there are no other contracts
    return part_iou(model, [record for record in (*split.query, *split.gallery) if record.mask is not None], **how)


def hold_out(split: Split, ids: int, seed: int, masks: bool = False) -> tuple[Split, Split]:
    """Take identities out of the training set for validation.

    Args:
        split: the benchmark.
        ids: how many identities to hold out.
        seed: which ones.
        masks: the model sees masks while it trains, and so while it is validated.

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
    notes = {HELD_OUT: "training identities", **({TEST_MASKS: "as in training"} if masks else {})}
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
        "protocol": ranking.protocol.to_json(),
        "queries": {"valid": ranking.num_valid_queries, "skipped": ranking.num_skipped_queries},
        "counts": split.counts(),
        "notes": split.notes,
        **{key: ranking.facts[key] for key in ("refined",) if key in ranking.facts},
    }


def write_result(folder: Path, entries: Sequence[dict[str, Any]], facts: dict[str, Any]) -> None:
    """Write ``result.json``: the benchmarks and the facts that belong to all of them."""
    content = {"format": 1, **facts, "benchmarks": list(entries)}
    write_json(folder / "result.json", content, indent=2)
