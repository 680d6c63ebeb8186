"""The page of all results, from result files alone: what was measured here and, apart from it, what papers say.

A folder of data holds ``<name>.json`` or ``<name>.seed-<n>.json`` (copies of runs' ``result.json``, see `add_result`),
``throughput.json`` (``occreid bench --out``) and ``published.yaml``.
"""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from occreid.errors import UserError
from occreid.files import read_json, write_file, write_json
from occreid.report.figures import SERIES, save_figure
from occreid.report.markdown import row
from occreid.report.published import read_published
from occreid.retrieval import Protocol

THROUGHPUT, PUBLISHED = "throughput.json", "published.yaml"
PLOT = "accuracy-throughput.svg"
_SCORES = ("mAP", "R-1", "R-5", "mINP")


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark of one result file.

    Attributes:
        name: of the row, the file's name without its seed.
        benchmark: e.g. ``"occsynth"``.
        entry: what the file says of it: scores, protocol, counts, notes.
        content: the whole file.
        file: where it was read.
    """

    name: str
    benchmark: str
    entry: dict[str, Any]
    content: dict[str, Any]
    file: Path

    @property
    def oracle(self) -> bool:
        """Whether something was known at test time that cannot be known in use."""
        return bool(self.entry["protocol"].get("oracle")) or "oracle" in self.entry.get("notes", {})


def add_result(run: str | Path, data: str | Path, name: str) -> Path:
    """Copy a run's result into the folder of data, without the paths of the machine it was made on.

    Args:
        run: a run folder.
        data: the folder of data.
        name: of the row; the seed is added.

    Raises:
        UserError: there is no result, or the folder cannot be written.
    """
    file = Path(run) / "result.json"
    content = _read_json(file)
    seed = content.get("recipe", {}).get("training", {}).get("seed", 0)
    target = Path(data) / f"{name}.seed-{seed}.json"
    return write_json(target, _without_paths(content))


def write_results_page(data: str | Path, out: str | Path, command: str = "") -> Path:
    """Write the page and its plot.

    Args:
        data: the folder of data.
        out: the Markdown file; the plot lies beside it.
        command: what makes the page, to be stated on it.

    Raises:
        UserError: no result at all, an unreadable file, or results of one benchmark under two protocols or on
            different data.
    """
    folder, page = Path(data), Path(out)
    results = read_results(folder)
    measured_rates = _throughput(folder / THROUGHPUT, results)
    rates = {name: rate.middle for name, rate in measured_rates.items()}
    lines = ["# Results", "", "This page is generated from the files in `data/`; every number on it is in one of them."]
    lines += [f"Do not edit it: `{command}`.", ""] if command else [""]
    published = read_published(folder / PUBLISHED)
    measured = sorted({result.benchmark for result in results})
    for benchmark in measured:
        here = [result for result in results if result.benchmark == benchmark]
        lines += [*_measured(benchmark, here, rates), *published.on(benchmark)]
    plotted = _plot(results, measured_rates, page.parent / PLOT)
    if plotted:
        lines += ["## Accuracy against throughput", "", f"![mAP against images a second]({PLOT})", "", *plotted, ""]
    elsewhere = published.elsewhere(measured)
    if elsewhere:
        sentence = "**Not measured here**: figures as published, under the papers' settings. Own rows are bold."
        lines += ["## What the papers report", "", sentence, "", *elsewhere]
    return write_file(page, "\n".join(lines).rstrip() + "\n", hint="Choose another --out.")


def read_results(folder: Path) -> list[Result]:
    """All results of a folder, checked against each other; sorted by file.

    Raises:
        UserError: see `write_results_page`.
    """
    files = [file for file in sorted(folder.glob("*.json")) if file.name != THROUGHPUT]
    if not files:
        raise UserError(f"there is no result in {folder}.", "Add one with: occreid results --add RUN --name NAME")
    results = []
    for file in files:
        content = _read_json(file)
        name = re.sub(r"\.seed-\d+$", "", file.stem)
        try:
            entries = [entry for entry in content["benchmarks"] if "mAP" in entry["scores"]]  # parsing has none
            results += [Result(name, e["benchmark"], e, content, file) for e in entries]
        except (KeyError, TypeError) as error:
            raise UserError(f"{file} is no result of a run.", "Remove it, or copy a run's result.json.") from error
    firsts: dict[str, Result] = {}
    for result in results:
        _require_same(firsts.setdefault(result.benchmark, result), result)
    return results


def _require_same(one: Result, other: Result) -> None:
    protocols = [replace(_protocol(result), oracle="", seed=0) for result in (one, other)]  # rows are marked instead
    differences = protocols[0].differences(protocols[1])
    if differences:
        raise UserError(
            f"{one.file} and {other.file} were tested on {one.benchmark} under two protocols "
            f"({'; '.join(differences)}).",
            "Evaluate both under one.",
        )
    for part in ("query", "gallery"):
        counts = [result.entry["counts"][part] for result in (one, other)]
        if counts[0] != counts[1]:
            raise UserError(
                f"{one.file} and {other.file} were tested on different data: {one.benchmark} has "
                f"{counts[0]['images']} and {counts[1]['images']} {part} images.",
                "Test both on the same files.",
            )


def _measured(benchmark: str, results: Sequence[Result], rates: dict[str, float]) -> list[str]:
    """The table of one benchmark, best mAP first."""
    names = list(dict.fromkeys(result.name for result in results))
    rows = {name: [result for result in results if result.name == name] for name in names}
    order = sorted(names, key=lambda name: -_mean(rows[name], "mAP"))
    shown = [score for score in _SCORES if all(score in result.entry["scores"] for result in results)]
    head = ["", *shown, "runs", "epochs", "backbone", "starts from", "size", *(["images/s"] if rates else [])]
    lines = [f"## {benchmark}", "", row(head), row(["---", *["---:"] * (len(head) - 1)])]
    for name in order:
        lines.append(row(_cells(name, rows[name], shown, rates)))
    entry = results[0].entry
    counts = ", ".join(f"{entry['counts'][part]['images']:,} {part} images" for part in ("query", "gallery"))
    metrics = sorted({result.entry["protocol"]["metric"] for result in results})
    sentence = replace(_protocol(results[0]), oracle="").sentence().partition("; ")[2]
    versions = sorted(
        {", ".join(f"{k} {v}" for k, v in result.content.get("versions", {}).items()) for result in results}
    )
    lines += ["", f"Measured with this package, per cent: {counts}; {sentence}; distances: {', '.join(metrics)}."]
    if any(len(found) > 1 for found in rows.values()):
        lines.append("Mean ± sample standard deviation over seeds.")
    if any(result.oracle for result in results):
        lines.append("Rows marked *oracle* were given exact masks of the test images, which nobody has in use.")
    if len({result.content.get("recipe", {}).get("training", {}).get("epochs") for result in results}) > 1:
        lines.append("Training lengths differ: see the column.")
    return [*lines, f"Versions: {'; '.join(versions)}.", ""]


def _cells(name: str, results: Sequence[Result], shown: Sequence[str], rates: dict[str, float]) -> list[str]:
    recipe = results[0].content.get("recipe", {})
    options = recipe.get("method", {}).get("options", {})
    label = name + (" (*oracle*)" if any(result.oracle for result in results) else "")
    training = recipe.get("training", {})
    size, start = _size(results[0]), str(options.get("pretrained", "default"))
    row = [label, *(_score(results, score) for score in shown), str(len(results)), _epochs(training)]
    row += [str(options.get("backbone", "default")), Path(start).name, "×".join(map(str, size)) or "–"]
    return row + ([f"{rates[name]:.0f}" if name in rates else "–"] if rates else [])


def _epochs(training: dict[str, Any]) -> str:
    """How long it was trained; legs with a number of their own by name, for the recipe does not list the others."""
    usual = str(training.get("epochs", "–"))
    legs = [f"{name} {epochs}" for name, epochs in (training.get("stage_epochs") or {}).items()]
    return ", ".join([*legs, f"others {usual}"]) if legs else usual


def _size(result: Result) -> list[int]:
    """Height and width of the pictures it was trained and tested on, where the file says so."""
    data = result.content.get("recipe", {}).get("data", {})
    return [data[key] for key in ("height", "width") if key in data]


@dataclass(frozen=True, slots=True)
class _Rate:
    """Images a second: the median of the rounds, and its quartiles."""

    middle: float
    low: float
    high: float


def _throughput(file: Path, results: Sequence[Result]) -> dict[str, _Rate]:
    """Row's name → images a second at the row's own picture size, at the largest batch of the file."""
    if not file.is_file():
        return {}
    content = _read_json(file)
    try:
        lines = sorted(content["lines"], key=lambda line: line["batch_size"])
        return {
            line["name"]: _Rate(rate, *line.get("quartiles", (rate, rate)))
            for line in lines
            if any((line["name"], line["size"]) == (result.name, _size(result)) for result in results)
            for rate in [float(line["images_per_second"])]
        }
    except (KeyError, TypeError) as error:
        raise UserError(f"{file} was not written by occreid bench.", "Write it with: occreid bench … --out") from error


def _plot(results: Sequence[Result], rates: dict[str, _Rate], file: Path) -> list[str]:
    """Draw mAP against images a second on the benchmark with most rows; the text below it, empty without a plot."""
    timed = [result for result in results if result.name in rates]
    if not timed:
        return []
    benchmarks = [result.benchmark for result in timed]
    benchmark = max(dict.fromkeys(benchmarks), key=benchmarks.count)
    points: dict[str, tuple[_Rate, list[float]]] = {}
    for result in sorted(timed, key=lambda result: result.name):
        if result.benchmark == benchmark:
            _, scores = points.setdefault(result.name, (rates[result.name], []))
            scores.append(100 * result.entry["scores"]["mAP"])
    with matplotlib.rc_context({"svg.hashsalt": "occreid", "svg.fonttype": "none"}):
        save_figure(file, lambda: _draw(points, benchmark))
    about = _read_json(results[0].file.parent / THROUGHPUT)
    lines = [f"Images a second on {about.get('device', 'an unnamed device')}: `{about.get('command', '')}`."]
    seeds = sorted({len(scores) for _, scores in points.values()})
    bars = "sample standard deviation over seeds" if seeds[-1] > 1 else "none, for every row is one seed"
    return [*lines, f"Bars: of the rate, quartiles over rounds; of mAP, {bars}."]


def _draw(points: dict[str, tuple[_Rate, list[float]]], benchmark: str) -> Figure:
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, (rate, scores)) in enumerate(points.items()):
        score = statistics.fmean(scores)
        axes.errorbar(
            [rate.middle],
            [score],
            xerr=[[max(rate.middle - rate.low, 0.0)], [max(rate.high - rate.middle, 0.0)]],
            yerr=statistics.stdev(scores) if len(scores) > 1 else None,
            marker="o",
            markersize=7,
            capsize=3,
            color=SERIES[number % len(SERIES)],
        )
        label = name.replace("$", r"\$")
        axes.annotate(label, (rate.middle, score), xytext=(6, 5), textcoords="offset points")
    axes.set(xlabel="images a second", ylabel=f"mAP on {benchmark}, %")
    axes.margins(x=0.25, y=0.2)
    axes.set_xlim(left=0)
    return figure


def _mean(results: Sequence[Result], score: str) -> float:
    return statistics.fmean(100 * result.entry["scores"][score] for result in results)


def _score(results: Sequence[Result], score: str) -> str:
    values = [100 * result.entry["scores"][score] for result in results]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{spread}"


def _protocol(result: Result) -> Protocol:
    return Protocol(**result.entry["protocol"])


def _read_json(file: Path) -> dict[str, Any]:
    content = read_json(file, hint="Give the folder of a finished run.")
    if not isinstance(content, dict):
        raise UserError(f"{file} is no result of a run.", "Give the folder of a finished run.")
    return content


def _without_paths(content: Any) -> Any:
    """Absolute paths cut down to ``…/<last part>``, everything else as it is."""
    if isinstance(content, dict):
        return {key: _without_paths(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_paths(value) for value in content]
    if isinstance(content, str) and os.path.isabs(content):
        return f"…/{Path(content).name}"
    return content
