"""Accuracy under stress as one figure: a panel for each stress, a line and a band for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import PercentFormatter

from occreid.errors import UserError
from occreid.report.figures import DASHES, MARKERS, SERIES, plain_text

_PANEL = 3.2
"""Width of a panel in inches."""


class PointLike(Protocol):
    """What is drawn of a point; see `occreid.evaluation.stress_curves.Point`."""

    @property
    def level(self) -> float: ...  # noqa: D102
    @property
    def mean_ap(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


def draw_curves(panels: Mapping[str, Mapping[str, Sequence[PointLike]]], path: Path) -> None:
    """Write a figure; the file's ending (.png, .svg or .pdf) says the form.

    Args:
        panels: title → model → points by rising level; every panel has the same models.
        path: the file; its folder is made.

    Raises:
        UserError: nothing to draw, or the file cannot be written.
    """
    names = list(next(iter(panels.values()), ()))
    if not names:
        raise UserError("there are no curves to draw.", "Measure at least one stress.")
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    width = max(_PANEL * columns, _legend_width(names, 1))
    beside = max(n for n in range(1, len(names) + 1) if n == 1 or _legend_width(names, n) <= width)
    above = 0.2 * -(-len(names) // beside)  # height of the names
    figure = Figure(figsize=(width, 2.7 * rows + 0.2 + above), layout="constrained")
    band = 0.12 if len(names) <= 3 else 0.06  # many bands lie over each other
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    used = grid.flat[: len(panels)]  # the last row may have empty ones
    for axes, (title, models) in zip(used, panels.items(), strict=True):
        for number, (name, points) in enumerate(models.items()):
            colour, levels = SERIES[number % len(SERIES)], [p.level for p in points]
            again = number + number // len(SERIES)  # a colour that comes again has another dash and marker
            style = {"linestyle": DASHES[again % len(DASHES)], "marker": MARKERS[again % len(MARKERS)]}
            axes.plot(
                levels, [p.mean_ap for p in points], color=colour, label=plain_text(name), markersize=3.5, **style
            )
            axes.fill_between(
                levels, [p.low for p in points], [p.high for p in points], color=colour, alpha=band, linewidth=0
            )
        axes.set_title(title, fontsize=9)
        axes.grid(alpha=0.3)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylim(bottom=0)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("mAP")
    figure.supxlabel("level of the stress", fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=beside, frameon=False, fontsize=9)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: an ending that is no picture format
        raise UserError(f"the figure {path} cannot be written ({error}).", "Name a .png, .svg or .pdf file.") from error


def _legend_width(names: Sequence[str], beside: int) -> float:
    """Inches that so many names beside each other need: 9 point, a line before each."""
    longest = max(TextPath((0, 0), plain_text(name), size=9).get_extents().width for name in names)  # in points
    return 0.2 + beside * (0.65 + 1.05 * longest / 72)  # hinted letters are a little wider
