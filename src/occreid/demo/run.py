"""A whole demo: generate, train, measure, write the page. Stages that are done already are not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from occreid.data import load_benchmark
from occreid.demo.entries import histogram_entry, network_entries, shipped_entry
from occreid.demo.plan import Clock, Plan
from occreid.demo.training import make_data, make_recipe, public_overrides, single_steps, train
from occreid.files import write_json
from occreid.models import read_card
from occreid.records import Split
from occreid.report import Entry, write_report
from occreid.training.evaluation import result_entry
from occreid.training.recipe_files import dump_recipe, load_recipe

RESULTS = "results.json"


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
    clock = Clock(say, stages=5)
    with clock.stage("data", f"occsynth, size {plan.size}, seed {plan.seed}, in {plan.data}", plan.data.is_dir()):
        make_data(plan)
        split = load_benchmark("occsynth", plan.data)
    recipe = make_recipe(plan)
    doing = f"{recipe.method.name} for {recipe.training.epochs} epochs, in {plan.run}"
    with clock.stage("training", doing, (plan.run / "result.json").is_file()):
        train(plan)
    with clock.stage("network", "describing all test images with the networks: trained, shipped, untrained"):
        trained, untrained = network_entries(plan.run, recipe, split)
        entries = [trained, shipped_entry(recipe, split), untrained]
    with clock.stage("histograms", "describing them with colour histograms"):
        entries.append(histogram_entry(recipe, split))
    with clock.stage("report", f"writing {plan.report}"):
        write_report(
            plan.report,
            title=f"occsynth, size {plan.size}",
            entries=entries,
            split=split,
            lead="All pictures are generated: nobody in them exists.",
            trial=plan.is_trial,
            log=plan.run / "log.csv",
            recipe_text=dump_recipe(load_recipe(plan.recipe, public_overrides(plan))),
            commands=[plan.command, *single_steps(plan)],
            timings=clock.seconds,
            seed=plan.seed,
        )
    results = summarise(plan, entries, split, clock)
    write_json(plan.out / RESULTS, results, indent=2)
    return results


def summarise(plan: Plan, entries: list[Entry], split: Split, clock: Clock) -> dict[str, Any]:
    """The content of ``results.json``."""
    card = read_card(plan.run)
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
        "report": plan.report.name,
    }
