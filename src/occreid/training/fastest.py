"""``training.precision: auto`` and ``training.memory_format: auto``: a few steps of each way, and the fastest is taken.

The choice is made once, before the run folder is written, and stands in its ``recipe.yaml``: a resumed run computes as
it began.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

import torch

from occreid.data.loading.loaders import train_loader
from occreid.errors import UserError
from occreid.evaluation.describe import PRECISIONS
from occreid.models import Trainable
from occreid.nn.computing import (
    MEMORY_FORMATS,
    Computing,
    MemoryFormat,
    Precision,
    fastest,
    shortest_strided_side,
    ways,
    without_bfloat16,
)
from occreid.records import Batch, Record
from occreid.training.augmentation import train_transform
from occreid.training.module import stage_trains
from occreid.training.recipe import Recipe
from occreid.training.recipe_files import load_recipe

_WORDS = {torchs: own for own, torchs in PRECISIONS.items()}
_STEP = 0.25  # seconds: pictures are added until a step takes about this long
_PATIENCE = 600  # seconds that other processes wait for the choice of the first


def is_open(recipe: Recipe) -> bool:
    """Whether the recipe leaves something to be measured."""
    return "auto" in (recipe.training.precision, recipe.training.memory_format)


def settled(
    recipe: Recipe, model: Trainable, records: Sequence[Record], device: torch.device
) -> tuple[Recipe, list[str]]:
    """The recipe with ``auto`` replaced by what is fastest on this machine.

    Args:
        recipe: of the run.
        model: as it will be trained; it is not changed.
        records: the training images.
        device: where it will be trained.

    Returns:
        The recipe, and lines that say what was chosen and what each way was worth.

    Raises:
        UserError: an image that cannot be read.
    """
    section = recipe.training
    formats: list[MemoryFormat] = (
        ["contiguous", "channels_last"] if section.memory_format == "auto" else [section.memory_format]
    )
    precisions: list[Precision] = (
        [*PRECISIONS.values()] if section.precision == "auto" else [PRECISIONS[section.precision]]
    )
    candidates = ways(device, formats, precisions)
    batch = _batch(recipe, records).to(device)
    if len(candidates) > 1 and device.type == "cpu":
        own = copy.deepcopy(model)
        step = _stepper(own, candidates[0], device)
        candidates = without_bfloat16(
            candidates, shortest_strided_side(own, lambda: step(_first(batch, 2 * recipe.data.k)))
        )
        batch = _shortened(batch, recipe, step)
    chosen, seconds = fastest(candidates, lambda way: _step(_stepper(copy.deepcopy(model), way, device), batch), device)
    update = {"precision": _WORDS[chosen.precision], "memory_format": chosen.memory_format}
    lines = [f"auto: {_said(chosen)} is the fastest here"]
    if seconds:
        rates = ", ".join(f"{_said(way)} {len(batch) / seconds[way]:.1f}" for way in candidates)
        lines[0] += f" (images/s, forward and backward, {len(batch)} at once: {rates})"
    return recipe.model_copy(update={"training": section.model_copy(update=update)}), lines


def chosen_by_first(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe as the first process has settled it and written it into the run folder.

    Raises:
        UserError: it did not within ten minutes.
    """
    file, end = folder / "recipe.yaml", time.monotonic() + _PATIENCE
    while not file.is_file():
        if time.monotonic() > end:
            raise UserError(
                f"the first process has not written {file}, where the other processes read what auto chose.",
                "Set training.precision and training.memory_format to fixed values.",
            )
        time.sleep(0.2)
    section = load_recipe(file).training
    update = {"precision": section.precision, "memory_format": section.memory_format}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=update)})


def _said(way: Computing) -> str:
    return f"{_WORDS[way.precision]} {way.memory_format}"


def _batch(recipe: Recipe, records: Sequence[Record]) -> Batch:
    """One batch of real pictures, as training will see them."""
    data = recipe.data
    transform = train_transform(data.transform, data.height, data.width)
    loader = train_loader(
        records, p=data.p, k=data.k, seed=recipe.training.seed, transform=transform, steps=1, masks=data.masks
    )
    return next(iter(loader))


def _shortened(batch: Batch, recipe: Recipe, step: Callable[[Batch], None]) -> Batch:
    """As many of the batch's identities, two or more, as keep a step short."""
    data = recipe.data
    least = _first(batch, 2 * data.k)
    step(least)  # the first step of a process takes longer
    start = time.perf_counter()
    step(least)
    identities = int(2 * _STEP / (time.perf_counter() - start))
    return _first(batch, max(2, min(data.p, identities)) * data.k)


def _first(batch: Batch, count: int) -> Batch:
    parts = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: part[:count] for name, part in parts.items() if part is not None})


def _step(step: Callable[[Batch], None], batch: Batch) -> Callable[[], None]:
    return lambda: step(batch)


def _stepper(own: Trainable, way: Computing, device: torch.device) -> Callable[[Batch], None]:
    """Forward and backward of a model, which changes by it: give it a copy."""
    memory_format = MEMORY_FORMATS[way.memory_format]
    own = own.to(device).to(memory_format=memory_format)
    stage, generator = own.stages()[0], torch.Generator()

    def step(batch: Batch) -> None:
        batch = replace(batch, images=batch.images.contiguous(memory_format=memory_format))
        own.eval()
        for module in stage.modules:
            module.train()
        own.zero_grad()
        with stage_trains(own, stage):
            batch = own.augment(batch, generator.manual_seed(0))
            with torch.autocast(device.type, getattr(torch, way.precision), enabled=way.precision != "float32"):
                losses = stage.losses(batch)
            torch.stack([loss.float() for loss in losses.values()]).sum().backward()

    return step
