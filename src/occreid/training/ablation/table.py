"""The tables of an ablation: Markdown, LaTeX and CSV, from result files only."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from occreid.files import write_file
from occreid.training.ablation.ladder import Plan
from occreid.training.ablation.results import Cell, Found, cell, protocol_of

_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
}


def write_tables(plan: Plan, found: Sequence[Found], out: str | Path, command: str = "") -> list[Path]:
    """Write ``table.md``, ``table.tex``, ``table.csv`` and, one line per run, ``runs.csv``.

    Args:
        plan: the ladder.
        found: its results so far, from `collect`.
        out: the folder to write to.
        command: the line that made all of it, to be stated.

    Returns:
        The files written; ``table.md`` first.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "table.md": markdown(plan, found, command),
        "table.tex": latex(plan, found, command),
        "table.csv": table_csv(plan, found),
        "runs.csv": runs_csv(plan, found),
    }
    for name, text in texts.items():
        write_file(folder / name, text)
    return [folder / name for name in texts]


def markdown(plan: Plan, found: Sequence[Found], command: str = "") -> str:
    """The tables with protocol, versions and the command of every run."""
    lines = [f"# {plan.title}", ""]
    for benchmark in benchmarks(found):
        head, rows = grid(plan, found, benchmark)
        lines += [f"## {benchmark}", "", _pipes(head), _pipes(["---"] + ["---:"] * (len(head) - 1))]
        lines += [_pipes([cell.replace("|", "\\|") for cell in row]) for row in rows]
        lines += ["", *_notes(plan, found, benchmark), ""]
    if not found:
        lines += ["No run has finished yet.", ""]
    lines += ["## Commands", "", "```"]
    lines += [*([command] if command else []), *(run.command() for run in plan.runs), "```", ""]
    return "\n".join(lines)


def latex(plan: Plan, found: Sequence[Found], command: str = "") -> str:
    """One ``tabular`` for each benchmark; needs the package booktabs."""
    lines = [f"% {line}" for line in (plan.title, *([command] if command else []))]
    for benchmark in benchmarks(found):
        head, rows = grid(plan, found, benchmark)
        lines += [f"% {note}" for note in _notes(plan, found, benchmark) if note]
        lines += [rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\toprule"]
        lines += [_ampersands(head), r"\midrule", *(_ampersands(row) for row in rows)]
        lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def table_csv(plan: Plan, found: Sequence[Found]) -> str:
    """One line per row, benchmark and metric: mean, sample standard deviation, runs, the paper's; in per cent."""
    lines: list[list[object]] = [["row", "benchmark", "metric", "mean", "std", "runs", "paper"]]
    for benchmark in benchmarks(found):
        for row in plan.rows:
            for metric in plan.metrics:
                value = cell(found, row, benchmark, metric)
                ours = ["", "", 0] if value is None else [f"{value.mean:.4f}", f"{value.std:.4f}", value.runs]
                lines.append(
                    [
                        row,
                        benchmark,
                        metric,
                        *ours,
                        _paper(plan, row, metric) if _beside(plan, found) == benchmark else "",
                    ]
                )
    return _csv(lines)


def runs_csv(plan: Plan, found: Sequence[Found]) -> str:
    """One line per run, benchmark and score, in per cent."""
    lines: list[list[object]] = [["row", "seed", "benchmark", "metric", "value", "folder"]]
    lines += [
        [one.run.row, one.run.seed, benchmark, metric, f"{100 * value:.4f}", one.run.folder]
        for one in found
        for benchmark, entry in one.benchmarks.items()
        for metric, value in entry["scores"].items()
    ]
    return _csv(lines)


def benchmarks(found: Sequence[Found]) -> list[str]:
    """Names of the benchmarks that were tested on, in the order of the files."""
    return list(dict.fromkeys(name for one in found for name in one.benchmarks))


def grid(plan: Plan, found: Sequence[Found], benchmark: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of one table as text: our scores, the gain over the first row, the paper's scores and gain."""
    papers = plan.paper is not None and _beside(plan, found) == benchmark
    lead = plan.metrics[0]
    first = cell(found, plan.rows[0], benchmark, lead)
    theirs = plan.paper.metrics if papers and plan.paper is not None else []
    head = ["", *plan.metrics, f"Δ {lead}", *(f"paper {metric}" for metric in theirs)]
    if theirs:
        head.append(f"paper Δ {theirs[0]}")
    rows = []
    for number, row in enumerate(plan.rows):
        cells = [cell(found, row, benchmark, metric) for metric in plan.metrics]
        gain = "–" if cells[0] is None or first is None else f"{cells[0].mean - first.mean:+.1f}"
        line = [
            row,
            *(_shown(value) for value in cells),
            gain if number else "",
            *(_paper(plan, row, m) or "–" for m in theirs),
        ]
        if theirs:
            line.append(_paper_gain(plan, row) if number else "")
        rows.append(line)
    return head, rows


def _shown(value: Cell | None) -> str:
    if value is None:
        return "–"
    return f"{value.mean:.1f} ± {value.std:.1f}" if value.runs > 1 else f"{value.mean:.1f}"


def _beside(plan: Plan, found: Sequence[Found]) -> str | None:
    """The benchmark whose table carries the paper's column: the paper's own where we have it, else our first."""
    names = benchmarks(found)
    if plan.paper is None or not names:
        return None
    return plan.paper.benchmark if plan.paper.benchmark in names else names[0]


def _figure(plan: Plan, row: str, metric: str) -> float | None:
    if plan.paper is None or metric not in plan.paper.metrics or row not in plan.figures:
        return None
    return plan.figures[row][plan.paper.metrics.index(metric)]


def _paper(plan: Plan, row: str, metric: str) -> str:
    value = _figure(plan, row, metric)
    return "" if value is None else f"{value:.1f}"


def _paper_gain(plan: Plan, row: str) -> str:
    assert plan.paper is not None
    lead = plan.paper.metrics[0]
    own, first = _figure(plan, row, lead), _figure(plan, plan.rows[0], lead)
    return "–" if own is None or first is None else f"{own - first:+.1f}"


def _notes(plan: Plan, found: Sequence[Found], benchmark: str) -> list[str]:
    here = [one for one in found if benchmark in one.benchmarks]
    entry = here[0].benchmarks[benchmark]
    seeds = {row: sum(one.run.row == row for one in here) for row in plan.rows}
    counts = sorted(set(seeds.values()))
    spread = f"{counts[0]}" if len(counts) == 1 else ", ".join(f"{row}: {n}" for row, n in seeds.items())
    data = ", ".join(f"{entry['counts'][part]['images']:,} {part} images" for part in ("query", "gallery"))
    metrics = sorted({one.benchmarks[benchmark]["protocol"]["metric"] for one in here})
    notes = [
        f"Per cent; mean ± sample standard deviation over seeds. Runs: {spread}. Δ: against the first row.",
        f"{data}. {protocol_of(entry).sentence()}."
        + (f" Distances: {', '.join(metrics)}." if len(metrics) > 1 else ""),
        "Versions: " + ", ".join(f"{k} {v}" for k, v in here[0].content["versions"].items()) + ".",
    ]
    if here[0].held_out:
        notes.append("Identities held out of the training part, drawn by the seed: what choices may be made by.")
    else:
        notes.append(
            "Read on the test part: no choice may follow from it (--set data.validation_ids=N holds some out)."
        )
    if plan.paper is not None and _beside(plan, found) == benchmark:
        where = f" ({plan.paper.source})" if plan.paper.source else ""
        other = plan.paper.benchmark != benchmark
        notes.append(
            f"The paper's figures{where} are of {plan.paper.benchmark}"
            + (f", ours of {benchmark}: compare the gains, not the figures." if other else ".")
        )
    return [word for note in notes for word in (note, "")][:-1]


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: Sequence[str]) -> str:
    escaped = ("".join(_LATEX.get(letter, letter) for letter in text) for text in cells)
    return " & ".join(escaped).replace("Δ", r"$\Delta$") + r" \\"


def _csv(lines: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()
