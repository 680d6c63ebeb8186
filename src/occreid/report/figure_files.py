"""The figures of a report as files of their own, for paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from occreid.report.figures import draw_bars, draw_cmc, draw_losses, draw_separation, save_figure
from occreid.report.separation import separate
from occreid.report.summary import Entry, cmc_curve, marked, scores

KINDS = ("png", "pdf", "svg")


def write_figures(folder: Path, kinds: Sequence[str], entries: Sequence[Entry], seed: int = 0) -> list[Path]:
    """Write CMC, scores, distances and losses.

    Args:
        folder: where to.
        kinds: of `KINDS`.
        entries: of the report.
        seed: of the pairs whose distances are shown.

    Returns:
        The files.
    """
    entries = [marked(entry) for entry in entries]
    draws: dict[str, Callable[[], Any]] = {
        "cmc": lambda: draw_cmc({entry.name: cmc_curve(entry.ranking) for entry in entries}),
        "scores": lambda: draw_bars(
            {e.name: {k: v for k, v in scores(e.ranking).items() if k in {"mAP", "R-1"}} for e in entries}
        ),
    }
    for number, entry in enumerate(entries, start=1):
        protocol = entry.ranking.protocol
        found = separate(entry.query, entry.gallery, protocol.metric, protocol.same_camera, seed=seed)
        draws[f"distances-{number}"] = lambda found=found, metric=protocol.metric: draw_separation(found, metric)
        if entry.log is not None:
            draws[f"losses-{number}"] = lambda log=entry.log: draw_losses(log)
    return [save_figure(folder / f"{name}.{kind}", draw) for name, draw in draws.items() for kind in kinds]
