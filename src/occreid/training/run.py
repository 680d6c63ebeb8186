"""`train` and `resume`: from a recipe to a run folder.

A run folder holds ``recipe.yaml`` (resolved), ``pictures.json``, ``log.csv``, ``evaluation.csv``, ``tensorboard/``,
``checkpoints/last.ckpt`` and ``best.ckpt``, and in the end ``model.safetensors``, ``model.json`` and ``result.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from occreid.data.loading.loaders import eval_loader
from occreid.data.loading.samplers import PKSampler
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.evaluation.describe import PRECISIONS
from occreid.evaluation.parts import PartScores
from occreid.extraction import extract
from occreid.files import replacing, write_json
from occreid.models import read_card, save_model
from occreid.models.registry import as_method
from occreid.nn.denormals import flushing_denormals
from occreid.records import Split, class_indices
from occreid.retrieval import Ranking
from occreid.training.checkpoints import Checkpoint
from occreid.training.devices import check_sync_batchnorm, process_rank, resolve_devices
from occreid.training.epoch_end import LAST, EpochEnd, format_scores, oracle_words
from occreid.training.evaluation import evaluate_split, is_testable, result_entry, write_result
from occreid.training.fastest import chosen_by_first, is_open, settled
from occreid.training.fit import fit
from occreid.training.folders import PICTURES, alone, claim_run, read_run, require_same_pictures, training_pictures
from occreid.training.module import Leg, TrainingModule, stage_trains
from occreid.training.progress import ProgressBar
from occreid.training.recipe import Recipe
from occreid.training.sources import build_model, load_sources, make_legs
from occreid.training.tables import Table
from occreid.training.weights import start_from


@flushing_denormals()
def train(recipe: Recipe, out: str | Path, *, progress: bool = True) -> Path:
    """Train a recipe from the start.

    Args:
        recipe: what to do, e.g. from `load_recipe`.
        out: the run folder; new or empty.
        progress: show a bar.

    Returns:
        The run folder.

    Raises:
        UserError: a folder that is not empty or not writable, unusable data, a loss that is not finite, …
    """
    run = Run(recipe, Path(out), progress)
    claim_run(run.folder, run.recipe)
    with alone(run.folder):
        return run.go()


@flushing_denormals()
def resume(
    run: str | Path, *, recipe: str | Path | None = None, overrides: Sequence[str] = (), progress: bool = True
) -> Path:
    """Go on with an interrupted run; it ends with the weights that it would have had uninterrupted.

    Args:
        run: the run folder.
        recipe: the recipe it was started with; left out, the one in the folder counts.
        overrides: ``"key=value"``; only keys that do not change the result may differ (data.root, data.workers).
        progress: show a bar.

    Returns:
        The run folder.

    Raises:
        UserError: there is no run, another process trains it, or a key was changed that would change the result.
    """
    folder = Path(run)
    resolved = read_run(folder, recipe, overrides)
    if (folder / "result.json").is_file():
        Console(soft_wrap=True, markup=False, highlight=False).print(f"the run {folder} is finished already")
        return folder
    with alone(folder):
        return Run(resolved, folder, progress).go()


class Run:
    """One training run, from wherever its folder says it stands.

    Args:
        recipe: the resolved recipe.
        folder: the run folder.
        progress: show a bar.

    Raises:
        UserError: what `resolve_devices`, `load_sources`, `build_model`, `make_legs` and `start_from` raise:
            whatever can go wrong before anything is written.
    """

    def __init__(self, recipe: Recipe, folder: Path, progress: bool) -> None:
        self.recipe, self.folder, self.progress = recipe, folder, progress
        self.main = process_rank() == 0
        self.console = Console(quiet=not self.main, soft_wrap=True, markup=False, highlight=False)
        self.devices = resolve_devices(recipe.training)
        self.sources = load_sources(recipe)
        last = folder / LAST
        self.pictures = training_pictures(self.sources.split.train, recipe.data.root)
        if last.is_file():
            require_same_pictures(folder, self.pictures)
        self.checkpoint = Checkpoint.load(last) if last.is_file() else None
        self.model = build_model(recipe, self.sources.split, fresh=self.checkpoint is None)
        if self.devices.world_size > 1 and recipe.training.sync_batchnorm:
            check_sync_batchnorm(self.model)
        for sentence in self.sources.missing:
            self.console.print(sentence)
        self.legs = make_legs(recipe, self.model)
        self.batches = self._batches()
        if self.checkpoint is None:
            self._start_weights()
        if is_open(recipe):
            self._settle()

    def go(self) -> Path:
        """Train what is left, save the model, test it."""
        try:
            ranking = None if self.recipe.training.test_only else self._train()
            if self.main:
                self._finish(ranking)
        except KeyboardInterrupt:
            stands = "the last finished epoch is saved" if (self.folder / LAST).is_file() else "no epoch was finished"
            self.console.print(f"interrupted; {stands}. Go on with: occreid train --resume {self.folder}")
            raise
        return self.folder

    def _train(self) -> Ranking | PartScores | None:
        """Train the legs that are left; the ranking of the very last epoch, if it was evaluated."""
        checkpoint, ranking = self.checkpoint, None
        if self.main:
            write_json(self.folder / PICTURES, self.pictures)
            self._cut_back()
        self._introduce()
        best = None if checkpoint is None else checkpoint.best
        for leg in self.legs:
            if checkpoint is not None and leg.index < checkpoint.stage:
                continue
            here = checkpoint if checkpoint is not None and checkpoint.stage == leg.index else None
            end = self._train_leg(replace(leg, first_epoch=here.epoch if here else 0), here, best)
            best, ranking = end.best, end.ranking
        return ranking

    def _train_leg(self, leg: Leg, checkpoint: Checkpoint | None, best: float | None) -> EpochEnd:
        """Train one leg to its end; afterwards the model holds its weights, averaged where the recipe says so."""
        model, before = self.model, sum(earlier.epochs for earlier in self.legs[: leg.index])
        end = EpochEnd(self.folder, self.console, self._evaluate, before, best)
        if leg.stage.observe is not None and checkpoint is None and self.recipe.data.masks:
            self._show_masks(leg.stage.observe)
        if leg.stage.prepare is not None:
            leg.stage.prepare(self._descriptors(leg))
        if checkpoint is not None:
            model.load_state_dict(checkpoint.model)
        average = None if checkpoint is None else checkpoint.ema
        if leg.first_epoch < leg.epochs:
            with stage_trains(model, leg.stage):
                module = TrainingModule(
                    model, leg, self.recipe, self.sources.split.train, self.folder, checkpoint, self.sources.parsing
                )
                callbacks = [end, *([ProgressBar(self.console)] if self.progress else [])]
                fit(module, self.recipe.training, self.devices, callbacks)
            average = None if module.average is None else module.average.tensors
        if average is not None:
            model.load_state_dict(average)
        return end

    def _show_masks(self, observe: Callable[[Tensor], None]) -> None:
        """The masks of all training images, on the model's device."""
        data = self.recipe.data
        loader = eval_loader(
            self.sources.split.train,
            height=data.height,
            width=data.width,
            batch_size=self.recipe.evaluation.batch_size,
            workers=data.workers,
            masks=True,
        )
        device = next(self.model.parameters()).device
        for batch in loader:
            assert batch.masks is not None  # asked for
            observe(batch.masks.to(device))

    def _descriptors(self, leg: Leg) -> Descriptors:
        """Of all training images, as the model was when the leg began; kept in the run folder for resuming."""
        folder = self.folder / "prepare" / leg.stage.name
        if folder.is_dir():
            return Descriptors.load(folder)
        found = extract(
            as_method(self.model, self.recipe.method.name),
            self.sources.split.train,
            batch_size=self.recipe.evaluation.batch_size,
            workers=self.recipe.data.workers,
            device=self.devices.own(),
            precision=PRECISIONS[self.recipe.training.precision],
            masks=self.recipe.data.masks,
            progress=self.progress and self.main,
        )
        if self.main:
            with replacing(folder) as part:
                found.save(part)
        return found

    def _evaluate(self, device: torch.device) -> Ranking | PartScores | None:
        """Of the held-out identities where there are any, else of the benchmark's test part; None without one."""
        split = self.sources.validation or self.sources.split
        return evaluate_split(self.model, split, self.recipe, device) if is_testable(self.model, split) else None

    def _settle(self) -> None:
        """Replace ``auto`` in the recipe; process 0 measures, the others read in the run folder what it chose."""
        if not self.main:
            self.recipe = chosen_by_first(self.recipe, self.folder)
            return
        self.recipe, lines = settled(self.recipe, self.model, self.sources.split.train, self.devices.own())
        for line in lines:
            self.console.print(line)

    def _start_weights(self) -> None:
        init_from = self.recipe.training.init_from
        if init_from is None:
            return
        left_out = start_from(self.model, init_from)
        if left_out and self.recipe.training.test_only:
            raise UserError(
                f"{init_from} cannot be tested with these options: {left_out[0]}.",
                "Change only options that act at test time, or leave training.test_only out and train.",
            )
        loaded = len(self.model.state_dict()) - sum(not line.endswith("not in the model") for line in left_out)
        self.console.print(f"started from {init_from}: {loaded} tensors loaded")
        for line in left_out:
            self.console.print(f"  not loaded: {line}")

    def _batches(self) -> int:
        """Batches in an epoch; asking the sampler finds out early whether there are enough identities."""
        data, pids = self.recipe.data, [record.pid for record in self.sources.split.train]
        return len(PKSampler(pids, data.p, data.k, self.recipe.training.seed, 0, self.devices.world_size))

    def _cut_back(self) -> None:
        names = [leg.stage.name for leg in self.legs]
        stage, epoch = (0, 0) if self.checkpoint is None else (self.checkpoint.stage, self.checkpoint.epoch)
        for name in ("log.csv", "evaluation.csv"):
            Table(self.folder / name).cut_back(names, stage, epoch)

    def _introduce(self) -> None:
        """Say what will be trained: batch and learning rate as they really are, whatever the number of processes."""
        recipe, world = self.recipe, self.devices.world_size
        data, section = recipe.data, recipe.training
        counts = self.sources.split.counts()["train"]
        batch = data.p * data.k * world
        lines = [
            f"{recipe.method.name} on {self.sources.split.name}: {counts['images']:,} images of {counts['ids']:,} "
            f"identities from {counts['cameras']} cameras",
            f"effective batch {batch * section.accumulate}: {data.p} identities × {data.k} images × {world} "
            f"process{'es' * (world > 1)} × {section.accumulate} accumulated",
            f"learning rate {recipe.optimizer.lr:g} ({recipe.optimizer.name}, {recipe.schedule.name}); "
            f"{self.batches} batches an epoch; "
            f"{', '.join(f'{leg.stage.name} {leg.epochs} epochs' for leg in self.legs)}; "
            f"{self.devices.kind}, {section.precision}, {section.memory_format.replace('_', ' ')}",
        ]
        lines += getattr(getattr(self.model, "backbone", None), "notes", ())  # of a `occreid.nn.Trunk`
        for line in lines:
            self.console.print(line)

    def _finish(self, ranking: Ranking | PartScores | None) -> None:
        """Save the model, test it, save it again with its scores on the card."""
        save_model(self.model, self.folder, self._card())  # before the tests: nothing is lost where they fail
        device, split, held_out = self.devices.own(), self.sources.split, self.sources.validation
        entries: list[dict[str, Any]] = []
        validation: dict[str, Any] = {}
        if held_out is not None and is_testable(self.model, held_out):
            found = ranking if ranking is not None else evaluate_split(self.model, held_out, self.recipe, device)
            validation = {"validation": result_entry(held_out, found)}  # what choices are made by
        for tested in (split, *self.sources.tests):
            if not is_testable(self.model, tested):
                continue
            if tested is not split or ranking is None or self.sources.validation is not None:
                ranking = evaluate_split(self.model, tested, self.recipe, device, progress=self.progress)
            entries.append(result_entry(tested, ranking))
            self.console.print(f"{tested.name}: {format_scores(ranking.scores())}{oracle_words(ranking)}")
        card = self._card() | {"metrics": {entry["benchmark"]: entry["scores"] for entry in entries}}
        save_model(self.model, self.folder, card)
        saved = read_card(self.folder)
        write_result(
            self.folder,
            entries,
            {
                "method": self.recipe.method.name,
                "weights_sha256": saved["sha256"],
                "versions": saved["versions"],
                "recipe": self.recipe.model_dump(mode="json"),
                **validation,
            },
        )
        self.console.print(f"model and result are in {self.folder}")

    def _card(self) -> dict[str, Any]:
        split: Split = self.sources.split
        return {
            "flip_test": self.recipe.evaluation.flip_test,
            "recipe": self.recipe.model_dump(mode="json"),
            "classes": list(class_indices(split.train)),
            "data": {"name": split.name, "counts": split.counts(), "notes": split.notes},
        }
