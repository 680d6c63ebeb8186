"""Figures as inline SVG that follows the page: its text colour, its series colours, its light or dark theme.

Every ``…_figure`` returns `markupsafe.Markup` holding one ``<svg>`` without a prolog, a foreign address or an
id that another figure of the page could have; `save_figure` writes the same for paper. Lines differ in dash and
marker as well as in colour.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from occreid.errors import UserError
from occreid.files import read_csv
from occreid.report.separation import Separation

SERIES = ("#0b6bcb", "#c2410c", "#0f8a6a", "#8b3fc7", "#a16207", "#be185d")
"""Colours of the series in the light theme; the page may set ``--series-1`` … for the dark one."""
_INK, _GRID = "#010203", "#040506"  # stand-ins, replaced by the page's own colours
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: readable by a screen reader, drawn in the page's font
    "svg.hashsalt": "occreid",  # same figure, same bytes
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_PRINT = {key: "#1b2430" if value == _INK else "#c3cad3" for key, value in _STYLE.items() if value in (_INK, _GRID)}
_LOG_KEYS = frozenset({"step", "epoch", "lr", "seconds", "time", "stage", "images_per_second", "grad_norm"})


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _svg(draw: Callable[[], Figure], name: str, label: str) -> Markup:
    """The figure as one inline element; ``name`` keeps its ids apart, ``label`` is what a screen reader says."""
    buffer = io.StringIO()
    no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context(_STYLE):
        draw().savefig(buffer, format="svg", metadata=no_metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font-family: [^;\"]*", "font-family: inherit", text)
    text = text.replace(_INK, "currentColor").replace(_GRID, "var(--grid, #9aa4b2)")
    for number, colour in enumerate(SERIES, start=1):
        text = text.replace(colour, f"var(--series-{number}, {colour})")
    head, body = text.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return Markup(f'{head} role="img" aria-label="{escape(label)}">{body.strip()}')


def cmc_figure(curves: Mapping[str, Mapping[int, float]], *, name: str = "cmc") -> Markup:
    """Cumulative matching curves of several rankings.

    Args:
        curves: name → {rank: share of queries in [0, 1] with a match at that rank or before}.
        name: what keeps the figure's ids apart from another figure's of the page.
    """
    text = "; ".join(f"{label}: {_in_words(curve)}" for label, curve in curves.items())
    return _svg(lambda: draw_cmc(curves), name, f"Cumulative matching curves. {text}")


def draw_cmc(curves: Mapping[str, Mapping[int, float]]) -> Figure:
    """The figure of `cmc_figure`, for `save_figure`."""
    with matplotlib.rc_context():
        figure, axes = _axes(5.2, 3.5)
        ranks = sorted({rank for curve in curves.values() for rank in curve})
        for number, (label, curve) in enumerate(curves.items()):
            look = number % len(SERIES)
            points = sorted(curve.items())
            axes.plot(
                [rank for rank, _ in points],
                [value for _, value in points],
                color=SERIES[look],
                linestyle=DASHES[look],
                marker=MARKERS[look],
                markevery=max(1, round(len(points) / 8)),
                markersize=4.5,
                label=plain_text(label),
            )
        axes.set(xlabel="rank", ylabel="queries with a match", ylim=(0, 1.02), xticks=_few(ranks))
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol="\N{NARROW NO-BREAK SPACE}%"))
        _legend(figure, list(curves))
    return figure


def _in_words(curve: Mapping[int, float]) -> str:
    return ", ".join(f"rank {rank} {curve[rank]:.1%}" for rank in (1, 5, 10, 20) if rank in curve)


def _few(ranks: Sequence[int], most: int = 8) -> list[int]:
    """At most ``most`` ticks: the ranks themselves, or the first and round numbers."""
    if len(ranks) <= most:
        return list(ranks)
    step = next(step for step in (5, 10, 20, 50, 100, 200, 500, ranks[-1]) if ranks[-1] // step < most)
    return [ranks[0], *range(step, ranks[-1] + 1, step)]


def _legend(figure: Figure, labels: Sequence[str]) -> None:
    """A legend above the axes, in as many columns as surely fit."""
    longest = max((len(label) for label in labels), default=0)
    figure.legend(loc="outside upper left", ncols=max(1, min(len(labels), 70 // (longest + 7))), borderaxespad=0)


def plain_text(text: str) -> str:
    """Text matplotlib must not read as mathematics or hide (a leading underscore hides a legend entry)."""
    return text.replace("$", r"\$").lstrip("_") or " "


def bar_figure(scores: Mapping[str, Mapping[str, float]], *, name: str = "bars") -> Markup:
    """Horizontal bars of several scores (mAP, R-1, …) for several methods, each with its number.

    Args:
        scores: method → {score's name: value in [0, 1]}; every method has the same scores.
        name: what keeps the figure's ids apart from another figure's of the page.
    """
    text = "; ".join(f"{method}: {_shares(values)}" for method, values in scores.items())
    return _svg(lambda: draw_bars(scores), name, f"Scores. {text}")


def draw_bars(scores: Mapping[str, Mapping[str, float]]) -> Figure:
    """The figure of `bar_figure`, for `save_figure`."""
    with matplotlib.rc_context({"axes.grid.axis": "x"}):
        methods = list(scores)
        kinds = list(dict.fromkeys(kind for values in scores.values() for kind in values))
        figure, axes = _axes(5.2, 0.9 + 0.34 * len(methods) * len(kinds))
        thick = 0.8 / max(len(kinds), 1)
        for number, kind in enumerate(kinds):
            places = [row + (number - (len(kinds) - 1) / 2) * thick for row in range(len(methods))]
            values = [scores[method].get(kind, math.nan) for method in methods]
            bars = axes.barh(places, values, thick * 0.88, color=SERIES[number % len(SERIES)], label=plain_text(kind))
            bare = [f"{value:.1%}".replace("%", "\N{NARROW NO-BREAK SPACE}%") for value in values]
            axes.bar_label(bars, labels=bare, padding=3)
        axes.set(xlim=(0, 1.12), yticks=range(len(methods)), yticklabels=[fill(plain_text(m), 18) for m in methods])
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol="\N{NARROW NO-BREAK SPACE}%"))
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        _legend(figure, kinds)
    return figure


def _shares(values: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {value:.1%}" for kind, value in values.items())


def read_log(path: str | Path) -> tuple[str, dict[str, list[tuple[float, float]]]]:
    """Loss curves of a training log.

    Args:
        path: ``log.csv`` of a run: a column ``epoch`` or ``step``, and one column per loss. Empty cells are
            skipped; learning rates and clock times are no losses and are left out. Where the log tells
            several stages apart, each loss of each stage is a curve of its own.

    Returns:
        The name of the horizontal axis (epochs where each has one row), and loss → [(epoch or step, value), …]
        in the file's order; ``loss_triplet`` is called ``triplet``.

    Raises:
        UserError: the file is missing, has no such column, or holds something that is no number.
    """
    path = Path(path)
    _, lines = read_csv(path, what="the training log", hint="Give the log.csv of a run folder.")
    rows = [cells for _, cells in lines]
    axis = _log_axis(rows)
    if axis is None:
        raise UserError(f"{path} has neither a column 'step' nor 'epoch', or no line at all.", "Train the run first.")
    several = len({row.get("stage") for row in rows}) > 1
    curves: dict[str, list[tuple[float, float]]] = {}
    for number, row in enumerate(rows, start=2):
        for key, text in row.items():
            if key in _LOG_KEYS or key.startswith("lr") or not text:
                continue
            name = (f"{row['stage']}: " if several else "") + key.removeprefix("loss_")
            try:
                curves.setdefault(name, []).append((float(row[axis]), float(text)))
            except ValueError as error:
                raise UserError(f"{path}, line {number}: {key} is no number: {text!r}.", "") from error
    return axis, curves


def _log_axis(rows: Sequence[Mapping[str, str]]) -> str | None:
    epochs = [(row.get("stage"), row.get("epoch")) for row in rows]
    if rows and "epoch" in rows[0] and (len(set(epochs)) == len(rows) or "step" not in rows[0]):
        return "epoch"
    return "step" if rows and "step" in rows[0] else None


def loss_figure(log: str | Path, *, name: str = "loss") -> Markup:
    """Loss curves of a training log (see `read_log`), the total drawn thickest.

    Raises:
        UserError: see `read_log`.
    """
    axis, curves = read_log(log)
    text = "; ".join(f"{label} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for label, points in curves.items())
    return _svg(lambda: draw_losses(log), name, f"Losses over {axis}. {text}")


def progress_figure(log: str | Path, *, name: str = "progress") -> Markup:
    """Scores of the evaluations while training, from ``evaluation.csv``.

    Raises:
        UserError: see `read_log`.
    """
    axis, curves = read_log(log)
    text = "; ".join(f"{label} from {points[0][1]:.1%} to {points[-1][1]:.1%}" for label, points in curves.items())
    return _svg(lambda: draw_losses(log, "score"), name, f"Scores over {axis}. {text}")


def draw_losses(log: str | Path, ylabel: str = "loss") -> Figure:
    """The figure of `loss_figure` or `progress_figure`, for `save_figure`."""
    axis, curves = read_log(log)
    with matplotlib.rc_context():
        figure, axes = _axes(5.2, 3.5)
        for number, (label, points) in enumerate(curves.items()):
            look = number % len(SERIES)
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                color=SERIES[look],
                linestyle=DASHES[look],
                linewidth=2.2 if label in {"loss", "total"} else 1.2,
                marker="o" if len(points) == 1 else None,
                label=plain_text(label),
            )
        axes.set(xlabel=axis, ylabel=ylabel)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if curves:
            _legend(figure, list(curves))
    return figure


def separation_figure(found: Separation, *, name: str = "separation", metric: str = "distance") -> Markup:
    """Distances of pairs of one person and of pairs of two, as shares of each kind.

    Args:
        found: from `occreid.report.separation.separate`.
        name: what keeps the figure's ids apart from another figure's of the page.
        metric: what the distance is called.
    """
    text = f"{found.same.sum()} pairs of one person and {found.other.sum()} of two, {found.overlap:.1%} overlap"
    return _svg(lambda: draw_separation(found, metric), name, f"Distances. {text}")


def draw_separation(found: Separation, metric: str = "distance") -> Figure:
    """The figure of `separation_figure`, for `save_figure`."""
    with matplotlib.rc_context():
        figure, axes = _axes(5.2, 2.9)
        for number, (label, counts) in enumerate((("the same person", found.same), ("two persons", found.other))):
            shares = counts / max(counts.sum(), 1)
            axes.stairs(shares, found.edges, color=SERIES[number], linestyle=DASHES[number], linewidth=1.8, label=label)
            axes.stairs(shares, found.edges, color=SERIES[number], fill=True, alpha=0.18)
        axes.set(xlabel=plain_text(f"{metric} distance".replace("_", " ")), ylabel="share of the pairs")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol="\N{NARROW NO-BREAK SPACE}%"))
        _legend(figure, ["the same person", "two persons"])
    return figure


def save_figure(path: str | Path, draw: Callable[[], Figure]) -> Path:
    """Write a figure for paper; its suffix, .png, .pdf or .svg, says how.

    Args:
        path: the file.
        draw: e.g. ``lambda: draw_cmc(curves)``.

    Raises:
        UserError: another suffix, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix not in (".png", ".pdf", ".svg"):
        raise UserError(f"figures cannot be written as '{path.suffix}'.", "Choose png, pdf or svg.")
    with matplotlib.rc_context({**_STYLE, **_PRINT, "pdf.fonttype": 42}):
        figure = draw()
        metadata: Any = {"CreationDate": None} if path.suffix == ".pdf" else None  # same figure, same bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=200, facecolor="white", metadata=metadata)
        except OSError as error:
            raise UserError(f"cannot write {path} ({error}).", "Choose another folder.") from error
    return path
