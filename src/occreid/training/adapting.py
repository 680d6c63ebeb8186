"""Adapting a trained model to somebody's own cameras, from unlabelled crops.

Batch normalisation keeps mean and variance of what each layer saw in training; other cameras give others. They are
estimated again here, as means over all batches (Li et al. 2017, "Revisiting Batch Normalization For Practical Domain
Adaptation"). No weight is learned, so nothing can be forgotten and no label is needed.

Letters: N pictures, B of a batch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from occreid.data.loading.loaders import eval_loader
from occreid.data.walk import existing_folder, images_under
from occreid.errors import UserError
from occreid.extraction import usable_device
from occreid.models import Method, load_model, read_card, save_model
from occreid.models.locate import called
from occreid.models.weights import OF_WEIGHTS, WRITTEN
from occreid.progress import progress_bar
from occreid.records import Record
from occreid.training.pseudo_labels import Round, Rounds, adapt_by_clusters

FEWEST = 32
"""Pictures below which a variance says nothing."""


@torch.no_grad()
def adapt_statistics(
    model: Method,
    files: Sequence[str | Path],
    *,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    seed: int = 0,
    progress: bool = True,
) -> int:
    """Estimate a model's batch-norm statistics again, in place.

    Args:
        model: moved to ``device`` and left there in eval mode.
        files: N crops of persons as the model will see them in use, unlabelled.
        batch_size: B; the pictures are shuffled, so that a batch holds many persons and cameras. A last batch of
            fewer than half is left out.
        workers: processes that load.
        device: where to compute.
        seed: of the order.
        progress: show a bar on stderr.

    Returns:
        How many layers were changed.

    Raises:
        UserError: a model without batch normalisation, too few pictures, or an unreadable one.
    """
    norms = [part for part in model.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    if not norms:
        raise UserError("this model has no batch normalisation to adapt.", "Give a trained model with one.")
    if len(files) < FEWEST:
        raise UserError(f"{len(files)} pictures are too few to adapt to.", f"Give at least {FEWEST}, better thousands.")
    if batch_size < FEWEST // 2:
        raise UserError(f"a batch of {batch_size} says too little.", f"Give {FEWEST // 2} pictures or more.")
    where = usable_device(device)
    shuffled = random.Random(seed).sample(list(files), len(files))
    records = [Record(Path(file), -1, -1) for file in shuffled]
    loader = eval_loader(
        records, height=model.input_size[0], width=model.input_size[1], batch_size=batch_size, workers=workers
    )
    before = [norm.momentum for norm in norms]
    model.to(where).eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch's word for a mean over all batches
            norm.train()
        with progress_bar("adapting", len(records), progress) as advance:
            for batch in loader:
                if len(batch) >= min(batch_size, len(records)) / 2:
                    model.describe(batch.images.to(where))
                advance(len(batch))
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
        model.eval()
    return len(norms)


def adapt_model(
    source: Path,
    pictures: Path,
    out: Path,
    *,
    statistics: bool | None = None,
    rounds: int = 0,
    batch_size: int = 64,
    seed: int = 0,
    on_round: Callable[[int, Round], None] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Write a model that `adapt_statistics` and `adapt_by_clusters` have fitted to a folder of crops.

    Args:
        source: the model: a run folder, a file, or a name.
        pictures: N crops at any depth.
        out: a new folder for the adapted model.
        statistics: estimate batch-norm statistics; None: not where training kept those it started with.
        rounds: epochs on clusters, after that.
        batch_size: see `adapt_statistics`, like ``seed`` and ``how``.
        seed: of the order and of the rounds.
        on_round: see `adapt_by_clusters`.
        how: device, workers, progress.

    Returns:
        What the new card says of it: pictures, layers, rounds, seed and the sha256 of the weights before.

    Raises:
        UserError: a folder that holds something, nothing to do, or as `adapt_statistics` and `adapt_by_clusters`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and is not empty.", "Give a new folder.")
    card, model = read_card(source), load_model(source)
    fixed = bool(((card.get("recipe") or {}).get("training") or {}).get("keep_statistics"))
    statistics = not fixed if statistics is None else statistics
    if not statistics and not rounds:
        why = "was trained with fixed statistics, which others harm" if fixed else "keeps its statistics"
        raise UserError(f"nothing would be adapted: {source} {why}.", "Train on clusters too, e.g. --rounds 8.")
    files = images_under(existing_folder(pictures))
    layers = adapt_statistics(model, files, batch_size=batch_size, seed=seed, **how) if statistics else 0
    found: list[Round] = []
    if rounds:
        found = adapt_by_clusters(model, files, Rounds(rounds=rounds, seed=seed), on_round=on_round, **how)
    ways = ["batch-norm statistics estimated again"] if statistics else []
    ways += ["trained on clusters"] if rounds else []
    note = {
        "how": f"{' and '.join(ways)}, on unlabelled pictures",
        "pictures": len(files),
        "layers": layers,
        "batch_size": batch_size,
        "seed": seed,
        "from": called(card, source),
        "from_sha256": card.get("sha256"),
        "rounds": [asdict(round_) for round_ in found],
    }
    kept = {key: value for key, value in card.items() if key not in (*WRITTEN, *OF_WEIGHTS)}
    save_model(model, out, {**kept, "adapted": note})
    return note
