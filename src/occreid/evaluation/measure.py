"""Model × benchmark × protocol → ranking: every number of this package comes through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from occreid import retrieval
from occreid.data.loading.dataset import Alter
from occreid.evaluation.describe import Described, Describer, Settings
from occreid.extraction import Precision
from occreid.models.contract import Method
from occreid.records import Split
from occreid.retrieval import Protocol, Ranking


def measure(
    model: Method,
    split: Split,
    protocol: Protocol | None = None,
    *,
    device: torch.device | str = "auto",
    precision: Precision | None = None,
    batch_size: int | None = None,
    workers: int = 0,
    masks: bool | None = None,
    alter: Alter | None = None,
    on: str = "both",
    rerank: Mapping[str, Any] | str | None = None,
    progress: bool = False,
) -> Ranking:
    """Describe a benchmark's queries and gallery with a model, and score the ranking.

    Args:
        model: from `load_model` or trained; left in the mode it came in, on ``device``.
        split: the benchmark, from `load_benchmark`.
        protocol: how to score; left out, as the model's recipe and the benchmark say, see `Protocol.of`.
        device: where the model runs; ``"auto"``: the GPU where there is one.
        precision: what it computes in; None: as its recipe tested it, else float32.
        batch_size: images at once; None: as its recipe tested it, else 64.
        workers: processes that load images.
        masks: whether the model sees masks of the test images; None: where the benchmark was read with them. What
            nobody could know in use is marked in the result's protocol as an oracle.
        alter: changes each picture as it is read, e.g. a `occreid.data.occlusion.stress.Stressor`.
        on: whose pictures ``alter`` changes: ``"query"``, ``"gallery"`` or ``"both"``.
        rerank: ``"k-reciprocal"``, ``"aqe"``, ``"alpha-qe"``, or one of them with settings, see `Protocol`; counts
            before the protocol's.
        progress: show a bar on stderr.

    Raises:
        UserError: what `Protocol`, `occreid.extraction.extract` and `occreid.retrieval.evaluate` raise.
    """
    settings = Settings(device, precision, batch_size, workers, progress)
    describer = Describer(model, split, protocol, settings, masks=masks)
    described = describer.described(alter, on)
    if rerank is not None:
        described = replace(described, protocol=replace(described.protocol, rerank=rerank))
    return rank(described)


def rank(described: Described) -> Ranking:
    """Score descriptors under the protocol they carry; the ranking carries their facts."""
    ranking = retrieval.rank(described.query, described.gallery, described.protocol)
    return replace(ranking, facts=described.facts)
