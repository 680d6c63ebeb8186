"""The first two stages of a demo: its benchmark and its trained network, each made only once."""

from __future__ import annotations

import os
from pathlib import Path

from occreid import synth
from occreid.demo.plan import Plan
from occreid.errors import UserError
from occreid.files import read_json, write_json
from occreid.training import Recipe, load_recipe, resume
from occreid.training import train as train_recipe

_HINT = "Give a folder you may write to, with --out."


def make_data(plan: Plan) -> Path:
    """Generate the benchmark, or keep the one that is there (the generator leaves a whole one or none).

    Raises:
        UserError: data of another size or seed are there, or the folder cannot be written.
    """
    wanted = {"size": plan.size, "seed": plan.seed}
    made_from = plan.out / "occsynth.json"  # what the data beside it were generated from
    if plan.data.is_dir():
        found = read_json(made_from) if made_from.is_file() else None
        if found != wanted:
            raise UserError(
                f"{plan.data} holds other data than size {plan.size}, seed {plan.seed}: "
                f"{found or 'of unknown origin'}.",
                "Give another --out, or remove that folder.",
            )
        return plan.data
    write_json(made_from, wanted, hint=_HINT)  # first, so that complete data never lack it
    workers = plan.workers if plan.workers is not None else os.cpu_count() or 1
    return synth.generate(plan.data, size=plan.size, seed=plan.seed, workers=max(workers, 1))


def make_recipe(plan: Plan) -> Recipe:
    """The recipe of this size with the plan's folder, seed and length."""
    return load_recipe(plan.recipe, overrides(plan))


def overrides(plan: Plan) -> list[str]:
    """What the plan changes in the recipe; its schedule is stretched to another number of epochs."""
    root = str(plan.data).replace("'", "''")
    changed = [f"data.root='{root}'", f"training.seed={plan.seed}"]
    if plan.workers is not None:
        changed.append(f"data.workers={plan.workers}")
    if plan.epochs is not None:
        shipped = load_recipe(plan.recipe)
        factor = plan.epochs / shipped.training.epochs
        changed.append(f"training.epochs={plan.epochs}")
        changed += [f"schedule.{key}={getattr(shipped.schedule, key) * factor:.4f}" for key in ("warmup", "flat")]
    return changed


def public_overrides(plan: Plan) -> list[str]:
    """The plan's overrides as a page may show them: without a folder of this machine."""
    hidden = ("data.root=", "data.workers=")
    return [f"data.root=data/occsynth-{plan.size}", *(s for s in overrides(plan) if not s.startswith(hidden))]


def single_steps(plan: Plan) -> list[str]:
    """The command lines of the two stages, one after the other."""
    settings = " ".join(f"--set {setting}" for setting in public_overrides(plan))
    return [
        f"occreid data synth --size {plan.size} --out data/occsynth-{plan.size} --seed {plan.seed}",
        f"occreid train {plan.recipe} {settings} --out runs/demo",
    ]


def train(plan: Plan) -> Path:
    """Train, go on with an interrupted training, or keep the finished one.

    Raises:
        UserError: the run in the folder was started with other settings.
    """
    if (plan.run / "recipe.yaml").is_file():
        return resume(plan.run, recipe=plan.recipe, overrides=overrides(plan))
    return train_recipe(make_recipe(plan), plan.run)
