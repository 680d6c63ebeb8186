"""What a command names to be measured: a model on benchmarks, or descriptors on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError
from occreid.evaluation.describe import Described, Describer, Settings, check_on
from occreid.evaluation.saved import load_described
from occreid.models import load_model
from occreid.records import Split
from occreid.retrieval import Protocol


def describe_source(
    source: Path,
    splits: Sequence[Split] | None,
    settings: Settings | None = None,
    stresses: Sequence[Stress] = (),
    on: str = "query",
    **changes: Any,
) -> Iterator[Described]:
    """Describe each benchmark as it is, then under each stress; or read descriptors where there are no benchmarks.

    Args:
        source: a model as `load_model` takes it; without ``splits``, a folder of `occreid extract`.
        splits: the benchmarks.
        settings: device, precision, batch size, ….
        stresses: what is done to pictures.
        on: to whose, see `occreid.evaluation.describe.ON`.
        changes: of the protocol, as `Protocol.of` takes them.

    Raises:
        UserError: no model or descriptors there, unreadable images, stress on saved descriptors.
    """
    check_on(on)
    if splits is None:
        if stresses:
            raise UserError(f"{source} holds descriptors: there are no pictures to stress.", "Give a run folder.")
        yield load_described(source, **changes)
        return
    model = load_model(source)
    for split in splits:
        describer = Describer(model, split, Protocol.of(model.card, split, **changes), settings)
        yield describer.described()
        for stress in stresses:
            yield describer.stressed(stress, on)
