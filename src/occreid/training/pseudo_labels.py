"""Adapting a trained model to somebody's own cameras by training on who it believes to be one person.

Each round describes all pictures, clusters them (DBSCAN over k-reciprocal Jaccard distances, as in Fan et al. 2018,
"Unsupervised Person Re-identification: Clustering and Fine-tuning", and Song et al. 2020), leaves out what belongs to
no cluster, and trains one epoch against the clusters' centres (Dai et al. 2021, "Cluster Contrast", Eq. 2, with the
centres of the round's start). No label is needed; who is on the pictures is found out, and may be found out wrongly.

Letters: N pictures, B of a batch, C clusters, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch.nn.modules.batchnorm import _BatchNorm

from occreid.data.loading.loaders import train_loader
from occreid.data.loading.transforms import TrainTransform
from occreid.descriptors import Descriptors
from occreid.distances import Metric
from occreid.errors import UserError, require
from occreid.extraction import extract, usable_device
from occreid.models import Method
from occreid.nn.denormals import flushing_denormals
from occreid.progress import progress_bar
from occreid.records import Record
from occreid.retrieval.neighbourhoods import close_pairs


@dataclass(frozen=True, slots=True)
class Rounds:
    """How to train on clusters.

    Attributes:
        rounds: times that the pictures are clustered anew, an epoch each.
        limit: DBSCAN's ε on Jaccard distances: the larger, the fewer and larger the clusters.
        fewest: DBSCAN's least number of pictures around a core picture, itself counted.
        learning_rate: Adam's, falling by a cosine to a tenth over all rounds.
        temperature: of the similarities to the centres.
        p: clusters in a batch.
        k: pictures of each.
        erase: probability of random erasing.
        color_jitter: strength of the colour jitter.
        seed: of batches and augmentation.
    """

    rounds: int = 8
    limit: float = 0.5
    fewest: int = 4
    learning_rate: float = 1e-4
    temperature: float = 0.05
    p: int = 16
    k: int = 4
    erase: float = 0.5
    color_jitter: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """What a round found: C clusters, how many pictures belong to one, and the mean loss of its epoch."""

    clusters: int
    pictures: int
    loss: float


def clusters(descriptors: Descriptors, metric: Metric, *, limit: float = 0.5, fewest: int = 4) -> NDArray[np.int64]:
    """The cluster of each picture from 0 on, −1 for none (DBSCAN over `close_pairs`).

    Args:
        descriptors: N of them.
        metric: how to compare.
        limit: see `Rounds`.
        fewest: see `Rounds`.

    Raises:
        UserError: scikit-learn is not installed; see `close_pairs`.
    """
    require("sklearn", "adapt")
    from scipy.sparse import csr_matrix
    from sklearn.cluster import DBSCAN

    near = close_pairs(descriptors, metric, limit=limit)
    # a stored zero would be taken for "not stored" by some: a tiny distance is as near
    distances = csr_matrix(
        (np.maximum(near.distances, 1e-6), (near.rows, near.columns)), shape=(near.num_images, near.num_images)
    )
    return DBSCAN(eps=limit, min_samples=fewest, metric="precomputed").fit_predict(distances).astype(np.int64)


@flushing_denormals()
def adapt_by_clusters(
    model: Method,
    files: Sequence[str | Path],
    how: Rounds | None = None,
    *,
    workers: int = 0,
    device: torch.device | str = "cpu",
    progress: bool = True,
    on_round: Callable[[int, Round], None] | None = None,
) -> list[Round]:
    """Train a model on clusters of unlabelled crops, in place.

    Batch normalisation in front of the descriptor keeps its statistics: estimate them first (`adapt_statistics`).

    Args:
        model: of one part; moved to ``device`` and left there in eval mode.
        files: N crops as the model will see them in use.
        how: the settings; None: the defaults.
        workers: processes that load.
        device: where to compute.
        progress: show bars on stderr.
        on_round: called after each round with its number from 1 on and what it found.

    Returns:
        What each round found.

    Raises:
        UserError: scikit-learn is not installed, a model of several parts or of nothing to train, pictures
            without clusters, or an unreadable one. What earlier rounds have trained stays in the model.
    """
    how, where = how or Rounds(), usable_device(device)
    require("sklearn", "adapt")
    records = [Record(Path(file), -1, -1) for file in files]
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise UserError("a network in a file cannot be trained on clusters.", "Give the model that it was made from.")
    optimizer = torch.optim.Adam(trained, lr=how.learning_rate, weight_decay=5e-4)
    found: list[Round] = []
    try:
        for number in range(how.rounds):
            everyone = extract(model, records, device=where, workers=workers, progress=progress)
            if everyone.features.shape[1] != 1:
                raise UserError(
                    f"a model of {everyone.features.shape[1]} parts cannot be trained on clusters.",
                    "Leave --rounds out: its statistics are adapted all the same.",
                )
            labels = clusters(everyone, model.metric, limit=how.limit, fewest=how.fewest)
            count = int(labels.max(initial=-1)) + 1
            if count < 2:
                raise UserError(
                    f"the {len(files):,} pictures fall into {count} clusters in round {number + 1}.",
                    "Give more pictures, several of each person; or leave --rounds out.",
                )
            centres = _centres(everyone.features[:, 0], labels).to(where)
            loss = _epoch(model, records, labels, centres, optimizer, how, number, workers, progress)
            found.append(Round(count, int((labels >= 0).sum()), loss))
            if on_round is not None:
                on_round(number + 1, found[-1])
    finally:
        model.eval()
    return found


def _centres(features: Tensor, labels: NDArray[np.int64]) -> Tensor:
    """(C, D) of unit length: the mean unit feature of each cluster."""
    inside = torch.from_numpy(np.flatnonzero(labels >= 0))
    owner = torch.from_numpy(labels)[inside]
    total = torch.zeros(int(owner.max()) + 1, features.shape[1])
    total.index_add_(0, owner, normalize(features.float()[inside], dim=1))
    return normalize(total, dim=1)


def _epoch(
    model: Method,
    records: Sequence[Record],
    labels: NDArray[np.int64],
    centres: Tensor,
    optimizer: torch.optim.Optimizer,
    how: Rounds,
    number: int,
    workers: int,
    progress: bool,
) -> float:
    """One epoch over the pictures of clusters; its mean loss."""
    height, width = model.input_size
    transform = TrainTransform(height, width, pad=5, erase=how.erase, color_jitter=how.color_jitter)
    chosen = [Record(record.path, int(label), -1) for record, label in zip(records, labels, strict=True) if label >= 0]
    loader = train_loader(
        chosen, p=min(how.p, len(centres)), k=how.k, seed=how.seed, transform=transform, workers=workers, masks=False
    )
    loader.set_epoch(number)
    model.train()
    for part in model.modules():
        if isinstance(part, _BatchNorm | nn.Dropout):
            part.eval()
    total, steps = 0.0, len(loader)
    with progress_bar(f"round {number + 1} of {how.rounds}", steps, progress) as advance:
        for step, batch in enumerate(loader):
            done = (number + step / steps) / how.rounds
            for group in optimizer.param_groups:
                group["lr"] = how.learning_rate * (0.1 + 0.45 * (1 + np.cos(np.pi * done)))
            features = normalize(model.describe(batch.images.to(centres.device)).features[:, 0].float(), dim=1)
            loss = cross_entropy(features @ centres.T / how.temperature, batch.labels.to(centres.device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
            advance(1)
    return total / max(steps, 1)
