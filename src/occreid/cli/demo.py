"""`occreid demo`: from nothing to a measured, explained result in a few minutes.

Generates occsynth, trains a small network on it, measures it beside the same network untrained and beside
colour histograms, and writes a page. Every stage that is already done in the folder is not done again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from occreid.errors import UserError
from occreid.files import write_json

if TYPE_CHECKING:
    from occreid.descriptors import Descriptors
    from occreid.methods import Method
    from occreid.records import Record, Split
    from occreid.report import Entry
    from occreid.retrieval import Metric, Ranking
    from occreid.training import Recipe

Size = Literal["tiny", "demo"]
RECIPES = {"tiny": "baseline/occsynth_tiny", "demo": "baseline/occsynth_demo"}
_DATA, _RUN, _REPORT, _RESULTS = "occsynth", "run", "report.html", "results.json"
_MADE_FROM = "occsynth.json"  # what the data beside it were generated from


def register(app: typer.Typer) -> None:
    """Add the command `demo`."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder to write; an interrupted demo goes on there.")] = Path(
        "demo"
    ),
    size: Annotated[Size, typer.Option("--size", help="tiny: seconds, to see that it works; demo: minutes.")] = "demo",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of data and training.")] = 0,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Train for this long instead.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes that generate and load images.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON; messages go to stderr.")] = False,
) -> None:
    """Generate data, train a small network, compare it with two references, and write a report.

    Example: occreid demo --out demo

    To see in a minute that everything works: occreid demo --size tiny --out demo-tiny
    """
    plan = Plan(out, size, seed, epochs, workers)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        results = run_demo(plan, say=lambda text: print(text, flush=True))
    if as_json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        _print_table(results, plan.out / _REPORT)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a demo was asked to do.

    Attributes:
        out: the folder that takes everything.
        size: of the generated benchmark.
        seed: of data and training.
        epochs: None for the recipe's own.
        workers: processes for generating and loading; None: one per core, and the recipe's own.
    """

    out: Path
    size: Size = "demo"
    seed: int = 0
    epochs: int | None = None
    workers: int | None = None

    @property
    def command(self) -> str:
        """The command line that asks for the same."""
        given = f" --epochs {self.epochs}" if self.epochs is not None else ""
        return f"occreid demo --size {self.size} --seed {self.seed}{given}"


@dataclass(slots=True)
class Clock:
    """Says which stage runs and remembers how long each took, in seconds; ``kept`` are those done before."""

    say: Callable[[str], None]
    stages: int
    seconds: dict[str, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str, doing: str, done: bool = False) -> Iterator[None]:
        """Announce a stage; its time is kept under ``name``, unless it was ``done`` before and is only looked at."""
        number = len(self.seconds) + len(self.kept) + 1
        self.say(f"[{number}/{self.stages}] {doing}{' (done before, kept)' if done else ''}")
        started = time.perf_counter()
        yield
        if done:
            self.kept.append(name)
        else:
            self.seconds[name] = time.perf_counter() - started


def run_demo(plan: Plan, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Do what `Plan` asks for and write ``report.html`` and ``results.json`` into its folder.

    Args:
        plan: what to do.
        say: takes one line about each stage.

    Returns:
        The content of ``results.json``: scores of each method, protocol, counts, seconds of each stage.

    Raises:
        UserError: a folder that holds another demo or cannot be written, a missing extra, damaged files.
    """
    from occreid.data import load_benchmark
    from occreid.report import write_report
    from occreid.training.recipe_files import dump_recipe, load_recipe

    clock = Clock(say, stages=5)
    data, run = plan.out / _DATA, plan.out / _RUN
    with clock.stage("data", f"occsynth, size {plan.size}, seed {plan.seed}, in {data}", data.is_dir()):
        make_data(plan)
        split = load_benchmark("occsynth", data)
    recipe = make_recipe(plan)
    doing = f"{recipe.method.name} for {recipe.training.epochs} epochs, in {run}"
    with clock.stage("training", doing, (run / "result.json").is_file()):
        train(plan)
    with clock.stage("network", "describing all test images with the network, trained and untrained"):
        entries = network_entries(run, recipe, split)
    with clock.stage("histograms", "describing them with colour histograms"):
        entries.append(histogram_entry(recipe, split))
    with clock.stage("report", f"writing {plan.out / _REPORT}"):
        page = write_report(
            plan.out / _REPORT,
            title=f"occsynth, size {plan.size}",
            entries=entries,
            split=split,
            lead="All pictures are generated: nobody in them exists.",
            log=run / "log.csv",
            recipe_text=dump_recipe(load_recipe(RECIPES[plan.size], _public(plan))),
            commands=[plan.command, *_single_steps(plan)],
            timings=clock.seconds,
            seed=plan.seed,
        )
    results = summarise(plan, entries, split, run, clock)
    _write_json(page.with_name(_RESULTS), results)
    return results


def make_data(plan: Plan) -> Path:
    """Generate the benchmark, or keep the one that is there (the generator leaves a whole one or none).

    Raises:
        UserError: data of another size or seed are there, or the folder cannot be written.
    """
    from occreid.synth import generate

    folder, wanted = plan.out / _DATA, {"size": plan.size, "seed": plan.seed}
    if folder.is_dir():
        found = _read_json(plan.out / _MADE_FROM)
        if found != wanted:
            raise UserError(
                f"{folder} holds other data than size {plan.size}, seed {plan.seed}: {found or 'of unknown origin'}.",
                "Give another --out, or remove that folder.",
            )
        return folder
    with _writing(plan.out):
        plan.out.mkdir(parents=True, exist_ok=True)
    _write_json(plan.out / _MADE_FROM, wanted)  # first, so that complete data never lack it
    workers = plan.workers if plan.workers is not None else os.cpu_count() or 1
    return generate(folder, size=plan.size, seed=plan.seed, workers=max(workers, 1))


def make_recipe(plan: Plan) -> Recipe:
    """The recipe of this size with the plan's folder, seed and length."""
    from occreid.training import load_recipe

    return load_recipe(RECIPES[plan.size], overrides(plan))


def overrides(plan: Plan) -> list[str]:
    """What the plan changes in the recipe; its schedule is stretched to another number of epochs."""
    from occreid.training import load_recipe

    root = str(plan.out / _DATA).replace("'", "''")
    changed = [f"data.root='{root}'", f"training.seed={plan.seed}"]
    if plan.workers is not None:
        changed.append(f"data.workers={plan.workers}")
    if plan.epochs is not None:
        shipped = load_recipe(RECIPES[plan.size])
        factor = plan.epochs / shipped.training.epochs
        changed.append(f"training.epochs={plan.epochs}")
        changed += [f"schedule.{key}={getattr(shipped.schedule, key) * factor:.4f}" for key in ("warmup", "flat")]
    return changed


def train(plan: Plan) -> Path:
    """Train, go on with an interrupted training, or keep the finished one.

    Raises:
        UserError: the run in the folder was started with other settings.
    """
    from occreid import training

    run = plan.out / _RUN
    if (run / "recipe.yaml").is_file():
        return training.resume(run, recipe=RECIPES[plan.size], overrides=overrides(plan))
    return training.train(make_recipe(plan), run)


def network_entries(run: Path, recipe: Recipe, split: Split) -> list[Entry]:
    """The trained network, and the same network with the weights its training began with."""
    from occreid.models import load_model
    from occreid.models.registry import as_method
    from occreid.training.sources import build_model

    name = recipe.method.name
    untrained = as_method(build_model(recipe, split), name)
    depth = recipe.method.options.get("backbone", "")
    note = f"{depth}, {recipe.training.epochs} epochs from scratch, {recipe.data.height} × {recipe.data.width} pixels"
    return [
        _network_entry(f"trained {name}", note, load_model(run), recipe, split),
        _network_entry(f"untrained {name}", "the same network before its first step", untrained, recipe, split),
    ]


def _network_entry(name: str, note: str, model: Method, recipe: Recipe, split: Split) -> Entry:
    from occreid.extraction import extract
    from occreid.report import Entry

    def describe(records: tuple[Record, ...]) -> Descriptors:
        return extract(model, records, batch_size=recipe.evaluation.batch_size, workers=recipe.data.workers)

    query, gallery = describe(split.query), describe(split.gallery)
    query, gallery = model.refine(query, gallery), model.refine(gallery, gallery)
    return Entry(name, _rank(query, gallery, model.metric, recipe, split), query, gallery, note)


def histogram_entry(recipe: Recipe, split: Split) -> Entry:
    """The classical floor: six-stripe HSV histograms."""
    from occreid.report import Entry, describe_histogram

    query, gallery = describe_histogram(split.query), describe_histogram(split.gallery)
    ranking = _rank(query, gallery, "euclidean", recipe, split)
    return Entry("colour histograms", ranking, query, gallery, "HSV of six stripes, nothing learned")


def _rank(query: Descriptors, gallery: Descriptors, metric: Metric, recipe: Recipe, split: Split) -> Ranking:
    """Under the recipe's protocol, the same for every method."""
    from occreid.retrieval import evaluate

    section = recipe.evaluation
    return evaluate(
        query,
        gallery,
        metric,
        same_camera=section.same_camera or split.same_camera,
        ap=section.ap,
        ranks=tuple(section.ranks),
        shots=section.shots,
        draws=section.draws,
        seed=recipe.training.seed,
    )


def summarise(plan: Plan, entries: list[Entry], split: Split, run: Path, clock: Clock) -> dict[str, Any]:
    """The content of ``results.json``."""
    from occreid.models import read_card
    from occreid.training.evaluation import result_entry

    card = read_card(run)
    methods = {entry.name: result_entry(split, entry.ranking) for entry in entries}
    return {
        "format": 1,
        "command": plan.command,
        "methods": {
            name: {key: entry[key] for key in ("scores", "protocol", "queries")} for name, entry in methods.items()
        },
        "data": {"benchmark": split.name, "size": plan.size, "seed": plan.seed, "counts": split.counts()},
        "recipe": card["recipe"],
        "weights_sha256": card["sha256"],
        "versions": card["versions"],
        "seconds": {name: round(value, 2) for name, value in clock.seconds.items()},
        "kept": clock.kept,
        "report": _REPORT,
    }


def _public(plan: Plan) -> list[str]:
    """The plan's overrides as a page may show them: without a folder of this machine."""
    hidden = ("data.root=", "data.workers=")
    return [f"data.root=data/occsynth-{plan.size}", *(s for s in overrides(plan) if not s.startswith(hidden))]


def _single_steps(plan: Plan) -> list[str]:
    """The same, one command after the other."""
    settings = " ".join(f"--set {setting}" for setting in _public(plan))
    return [
        f"occreid data synth --size {plan.size} --out data/occsynth-{plan.size} --seed {plan.seed}",
        f"occreid train {RECIPES[plan.size]} {settings} --out runs/demo",
    ]


def _print_table(results: dict[str, Any], report: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = ("mAP", "R-1", "R-5", "R-10", "mINP")
    table = Table(title=f"{results['data']['benchmark']}, size {results['data']['size']}", title_justify="left")
    table.add_column("method")
    for name in shown:
        table.add_column(name, justify="right")
    for name, entry in results["methods"].items():
        table.add_row(name, *(f"{100 * entry['scores'][key]:.1f} %" for key in shown if key in entry["scores"]))
    console.print(table)
    times = [*(f"{name} kept" for name in results["kept"])]
    times += [f"{name} {seconds:.0f} s" for name, seconds in results["seconds"].items()]
    together = sum(results["seconds"].values()) / 60
    console.print(f"time: {', '.join(times)}; together {together:.1f} min", highlight=False, soft_wrap=True)
    console.print(f"report: {report}", highlight=False, soft_wrap=True)


def _read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is none or it holds something else."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return None


def _write_json(path: Path, content: Any) -> None:
    write_json(path, content, indent=2, hint="Give a folder you may write to, with --out.")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}.", "Give a folder you may write to, with --out."
        ) from error
