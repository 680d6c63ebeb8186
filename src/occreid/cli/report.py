"""`occreid report`: one page about a trained run, or about several side by side."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.options import BatchSize, Device, On, Option, Precision, Workers
from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import subjects
from occreid.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from occreid.methods import Method
    from occreid.records import Split
    from occreid.report import Entry
    from occreid.retrieval import Ranking

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN…", help="Run folders or weights files; the first is the page's own.")
]
Out = Annotated[Path | None, typer.Option("--out", help="The page; left out: report.html in the first run's folder.")]
Names = Annotated[list[str] | None, typer.Option("--name", help="What to call a run; once for each, in their order.")]
Title = Annotated[str | None, typer.Option("--title", help="Heading of the page.")]
Figures = Annotated[
    Path | None, typer.Option("--figures", metavar="FOLDER", help="Write the figures as files too, for paper.")
]
Kinds = Annotated[str, typer.Option("--figure-format", help="Of png, pdf, svg; several with commas.")]
Shown = Annotated[int, typer.Option("--shown", min=1, help="Queries of each kind: differing, random, worst, best.")]
SameCamera = Annotated[str | None, typer.Option("--same-camera", help="junk or keep, for all runs.")]
Form = Annotated[str | None, typer.Option("--ap", help="step or trapezoid, for all runs; left out, each recipe's.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the random choices of queries and pictures.")]


_PAGE = "results/README.md"


def register(app: typer.Typer) -> None:
    """Add the commands `report` and `results`."""
    app.command()(report)
    app.command()(results)


def report(
    runs: Runs,
    out: Out = None,
    title: Title = None,
    name: Names = None,
    on: On = None,
    option: Option = None,
    figures: Figures = None,
    figure_format: Kinds = "png,pdf",
    shown: Shown = 3,
    same_camera: SameCamera = None,
    ap: Form = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "float32",
    batch_size: BatchSize = 64,
    workers: Workers = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Write one self-contained page: scores, curves, distances, ranked lists, what the model looked at, the recipe.

    For example:

        occreid report runs/market

        occreid report runs/ssgr runs/baseline --on occsynth=data/occsynth-demo --out compare.html --figures figures
    """
    from occreid.extraction import usable_device
    from occreid.models import read_card
    from occreid.report import write_report
    from occreid.report.summary import marked

    kinds = [word.strip() for word in figure_format.split(",")]
    for kind in kinds:
        if kind not in ("png", "pdf", "svg"):
            raise UserError(f"figures cannot be written as '{kind}'.", did_you_mean(kind, ("png", "pdf", "svg")))
    splits = load_benchmarks(runs[0], on, option)
    if len(splits) > 1:
        raise UserError("a report is about one benchmark.", "Give --on once, and write a report for each.")
    split = splits[0]
    _same_data(runs, split, asked=on is not None)
    _no_image_missing(split)
    names = _names(runs, name)
    where = str(usable_device(device))
    entries = [
        _entry(run, called, split, (same_camera, ap), where, precision, batch_size, workers, quiet)
        for run, called in zip(runs, names, strict=True)
    ]
    path = out or (runs[0] if runs[0].is_dir() else runs[0].parent) / "report.html"
    written = write_report(
        path,
        title=title or f"{names[0]} on {split.name}",
        entries=entries,
        split=split,
        recipe_text=_recipes(runs, names, read_card),
        commands=[shlex.join(["occreid", *sys.argv[1:]])],
        shown=shown,
        seed=seed,
    )
    for file in [] if figures is None else _write_figures(figures, kinds, [marked(entry) for entry in entries], seed):
        typer.echo(f"figure {file}")
    typer.echo(f"report {written}")


def results(
    data: Annotated[Path, typer.Argument(help="The folder of result files.")] = Path("results/data"),
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path(_PAGE),
    add: Annotated[
        list[Path] | None, typer.Option("--add", metavar="RUN", help="Copy this run's result first; repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the table calls the runs of --add.")] = None,
) -> None:
    """Write the page of all results, from result files only.

    For example: occreid results --add runs/ssgr-0 --add runs/ssgr-1 --name ssgr
    """
    from occreid.report.results_page import add_result, write_results_page

    if add and name is None:
        raise UserError("--add needs the name of the row.", "For example: --name ssgr")
    for run in add or ():
        typer.echo(f"added {add_result(run, data, str(name))}")
    command = shlex.join(["occreid", "results", *([str(data), "--out", str(out)] if str(out) != _PAGE else [])])
    typer.echo(f"wrote {write_results_page(data, out, command)}")


def _same_data(runs: Sequence[Path], split: Split, asked: bool) -> None:
    """Without ``--on``, all runs must have been trained and tested on the benchmark of the first."""
    from occreid.models import read_card

    for run in () if asked else runs:
        data = read_card(run).get("data", {})
        if data.get("name", split.name) != split.name:
            raise UserError(
                f"{runs[0]} was made with {split.name} and {run} with {data['name']}.",
                "Say what to test all of them on: --on NAME=ROOT",
            )
        counts = data.get("counts", {})
        for part in ("query", "gallery"):
            if counts.get(part) and counts[part] != split.counts()[part]:
                raise UserError(
                    f"{run} was made with another {split.name}: {counts[part]['images']:,} {part} images there, "
                    f"{split.counts()[part]['images']:,} here.",
                    "Say what to test all of them on: --on NAME=ROOT",
                )


def _no_image_missing(split: Split, named: int = 5) -> None:
    missing = [str(record.path) for record in (*split.query, *split.gallery) if not record.path.is_file()]
    if missing:
        some = ", ".join(missing[:named]) + (", …" if len(missing) > named else "")
        raise UserError(f"{len(missing)} images of {split.name} are missing: {some}.", "Bring them back.")


def _names(runs: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """The names given, else the folders' own, with as much of their paths as tells them apart."""
    if given:
        if len(given) != len(runs) or len(set(given)) < len(given):
            raise UserError(
                f"{len(given)} names do not fit {len(runs)} runs.", "Give one --name for each, all different."
            )
        return list(given)
    resolved = [run.resolve() for run in runs]
    for depth in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    raise UserError("a run is given twice.", "Name each run once.")


def _entry(
    run: Path,
    name: str,
    split: Split,
    protocol: tuple[str | None, str | None],
    device: str,
    precision: str,
    batch_size: int,
    workers: int,
    quiet: bool,
) -> Entry:
    from occreid.models import load_model, read_card
    from occreid.report import Entry

    card, model = read_card(run), load_model(run)
    subject = next(subjects(run, [split], device, precision, batch_size, workers, quiet))
    asked = (card.get("recipe") or {}).get("evaluation", {})
    ranking = _ranking(subject, asked, *protocol)
    log = run / "log.csv"
    note = f"{card['method']}, {subject.metric.replace('_', ' ')} distance" if "method" in card else ""
    return Entry(
        name,
        ranking,
        subject.query,
        subject.gallery,
        note,
        model,
        log if log.is_file() else None,
        _trusted(model, split, device, batch_size),
    )


def _ranking(subject: Any, asked: dict[str, Any], same_camera: str | None, ap: str | None) -> Ranking:
    """Under the protocol of the run's own recipe, unless one is given for all runs."""
    from occreid.retrieval import evaluate

    ranking = evaluate(
        subject.query,
        subject.gallery,
        subject.metric,
        same_camera=same_camera or asked.get("same_camera") or subject.same_camera,  # type: ignore[arg-type]
        ap=ap or asked.get("ap", "step"),  # type: ignore[arg-type]
        ranks=tuple(sorted({1, 5, 10, *asked.get("ranks", ())})),
        shots=asked.get("shots", "multi"),
        draws=asked.get("draws", 10),
    )
    return replace(ranking, protocol=replace(ranking.protocol, oracle=subject.oracle))


def _trusted(
    model: Method, split: Split, device: str, batch_size: int
) -> Callable[[int], list[tuple[int, float]]] | None:
    """Whom a query was reconstructed from and how far each was trusted, for methods that say so (OR-GNN)."""
    find = getattr(model, "neighbours", None)
    if find is None:
        return None
    from occreid.data.masks.evaluation import has_test_masks
    from occreid.extraction import extract

    masks = has_test_masks(split)
    query, gallery = (
        extract(model, side, batch_size=batch_size, device=device, masks=masks, progress=False)
        for side in (split.query, split.gallery)
    )
    model.to("cpu")
    indices, trust = find(query, gallery)

    def of(row: int) -> list[tuple[int, float]]:
        pairs = zip(indices[row].tolist(), trust[row].tolist(), strict=True)
        return [(index, confidence) for index, confidence in pairs if index >= 0]

    return of


def _recipes(runs: Sequence[Path], names: Sequence[str], read_card: Callable[[Path], dict[str, Any]]) -> str:
    import yaml

    parts = []
    for run, name in zip(runs, names, strict=True):
        recipe = read_card(run).get("recipe")
        if recipe is not None:
            text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
            parts.append(f"# {name}\n{text}" if len(runs) > 1 else text)
    return "\n".join(parts)


def _write_figures(folder: Path, kinds: Sequence[str], entries: Sequence[Entry], seed: int) -> list[Path]:
    from occreid.report.figures import draw_bars, draw_cmc, draw_losses, draw_separation, save_figure
    from occreid.report.separation import separate
    from occreid.report.summary import cmc_curve, scores

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
