"""Clever Hans trials of a model over several benchmarks, a row of figures for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from occreid.data.occlusion.library import OccluderLibrary
from occreid.evaluation.clever_hans import check_share, clever_hans, describe_pictures, draw_trials
from occreid.evaluation.clever_hans_sheet import write_telling
from occreid.evaluation.describe import Settings
from occreid.evaluation.details import natural_row
from occreid.evaluation.sources import describe_source
from occreid.models import load_model
from occreid.records import Split


def pasted_rows(
    run: str | Path,
    splits: Sequence[Split],
    occluders: str = "unseen",
    *,
    trials: int = 240,
    share: float = 0.4,
    seed: int = 0,
    device: str = "cpu",
    sheet: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """The score of each benchmark when things are pasted over its pictures, see `occreid.evaluation.clever_hans`.

    Each row comes before its sheet is drawn: one that cannot be written takes no figure away.

    Args:
        run: what `occreid.models.load_model` takes.
        splits: the benchmarks.
        occluders: a folder of cut-outs, ``"unseen"`` or ``"procedural"``.
        trials: of each benchmark.
        share: of each picture that is covered.
        seed: of pictures, things and places.
        device: where the model runs.
        sheet: a PNG of the most telling pictures; of several benchmarks the name ends with the benchmark's.

    Raises:
        UserError: a share that cannot be, no such model or cut-outs, too few pictures, an unwritable sheet.
    """
    check_share(share)
    library = OccluderLibrary.open(occluders)
    model = load_model(run)
    describe = describe_pictures(model, device)
    for split in splits:
        drawn = draw_trials(split.query, split.gallery, trials, len(library), seed)
        found = clever_hans(describe, drawn, library, model.metric, share)
        yield {"benchmark": split.name, **found.summary(seed), "share": share, "seed": seed}
        if sheet is not None:
            file = sheet if len(splits) == 1 else sheet.with_stem(f"{sheet.stem}-{split.name}")
            write_telling(found, library, share, file)


def natural_rows(
    run: Path, splits: Sequence[Split] | None, by: str, *, seed: int = 0, device: str = "cpu"
) -> list[dict[str, Any]]:
    """The score of each benchmark by what hides people in its own pictures, see `occreid.evaluation.natural`.

    Args:
        run: what `occreid.models.load_model` takes, or a folder of `occreid extract`.
        splits: the benchmarks; None: those of the extracted folder.
        by: what sharing an occluder means, ``"kind"`` or ``"id"``.
        seed: of the interval.
        device: where the model runs.

    Raises:
        UserError: what `describe_source` and `natural_row` raise.
    """
    return [natural_row(described, by, seed) for described in describe_source(run, splits, Settings(device))]
