"""`TrainingModule`: one leg of a method's training, as Lightning wants it.

Everything random and the learning rate are functions of (seed, stage, epoch, step, process): nothing depends
on how the process came to this step, so an interrupted run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from occreid.data.loading.loaders import ReidLoader, train_loader
from occreid.errors import UserError
from occreid.files import write_json
from occreid.models import Stage, Trainable
from occreid.nn.computing import MEMORY_FORMATS
from occreid.records import Batch, Record
from occreid.training.augmentation import train_transform
from occreid.training.checkpoints import Checkpoint
from occreid.training.ema import MovingAverage
from occreid.training.layerwise import freeze_first, scaled_groups, with_statistics
from occreid.training.recipe import OptimizerSection, Recipe
from occreid.training.schedules import lr_factor
from occreid.training.second_stream import second_loader, statistics_kept
from occreid.training.seeding import derived_seed, seed_globals
from occreid.training.tape import LossTape, NotFiniteLoss


@dataclass(frozen=True, slots=True)
class Leg:
    """Which leg of the training this is: the stage, its position, and the epochs it trains."""

    stage: Stage
    index: int
    epochs: int
    first_epoch: int = 0


class TrainingModule(LightningModule):
    """A network, its losses of one stage, its optimiser.

    Args:
        model: the network; parameters outside the stage's modules must be frozen (see `stage_trains`).
        leg: what to train, and from which epoch.
        recipe: the run's recipe.
        records: the training images.
        folder: the run folder, for ``nan_batch.json``.
        checkpoint: state to go on from; its stage is this leg.
        parsing: pictures of the second stream, empty without one (see `second_stream`).
    """

    def __init__(
        self,
        model: Trainable,
        leg: Leg,
        recipe: Recipe,
        records: Sequence[Record],
        folder: Path,
        checkpoint: Checkpoint | None = None,
        parsing: Sequence[Record] = (),
    ) -> None:
        super().__init__()
        self.channels_last = recipe.training.memory_format == "channels_last"
        self.model = model.to(memory_format=MEMORY_FORMATS[recipe.training.memory_format])
        self.leg = leg
        self.recipe = recipe
        self.records = records
        self.folder = folder
        self.tape = LossTape()
        self.average: MovingAverage | None = None
        self.steps_per_epoch = 1
        self._checkpoint = checkpoint
        self._generator = torch.Generator()
        self._losses = leg.stage.losses
        self._parsing = parsing
        self._second: ReidLoader | None = None
        self._second_batches: Iterator[Batch] = iter(())
        self._frozen = freeze_first(model, recipe.training.freeze_stages)
        if recipe.training.keep_statistics:
            self._frozen += with_statistics(model)
        self.freezes = recipe.training.freeze_epochs > 0 and leg.index == 0
        self._freezable = [p for p in _backbone(model).parameters() if p.requires_grad] if self.freezes else []

    @property
    def epoch(self) -> int:
        """The epoch of the leg that is being trained, 0 the first."""
        return self.leg.first_epoch + self.current_epoch

    def train_dataloader(self) -> ReidLoader:
        """The P × K loader of this process, set to the first epoch."""
        data = self.recipe.data
        loader = train_loader(
            self.records,
            p=data.p,
            k=data.k,
            seed=derived_seed(self.recipe.training.seed, self.leg.index),
            transform=train_transform(data.transform, data.height, data.width),
            workers=data.workers,
            rank=self.trainer.global_rank,
            world_size=self.trainer.world_size,
            masks=data.masks,
            channels_last=self.channels_last,
        )
        loader.set_epoch(self.leg.first_epoch)  # Lightning starts iterating before any epoch hook
        self.loader = loader
        if self._parsing:
            self._second = second_loader(
                self._parsing,
                data,
                seed=derived_seed(self.recipe.training.seed, self.leg.index, 0),
                steps=len(loader),
                rank=self.trainer.global_rank,
                world_size=self.trainer.world_size,
                channels_last=self.channels_last,
            )
        return loader

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser over the method's groups, trainable parameters only."""
        groups = []
        section = self.recipe.optimizer
        own = self.model.parameter_groups(section.lr)
        for group in scaled_groups(self.model, own, section.backbone_factor, section.lr):
            chosen = [p for p in group["params"] if p.requires_grad]
            if chosen:
                groups.append({"lr": self.recipe.optimizer.lr, **group, "params": chosen})
        if not groups:
            raise UserError(
                f"stage '{self.leg.stage.name}' of {self.recipe.method.name} has nothing to train.",
                "Its modules should hold parameters that require gradients.",
            )
        optimizer = make_optimizer(self.recipe.optimizer, groups, self.device)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        return optimizer

    def on_train_start(self) -> None:
        """Bring optimiser, scaler and average to where the checkpoint left them."""
        accumulate, losses = self.recipe.training.accumulate, self.leg.stage.losses
        self._losses = torch.compile(losses, dynamic=False) if self.recipe.training.compile else losses
        self.steps_per_epoch = math.ceil(int(self.trainer.num_training_batches) / accumulate)
        if self.recipe.training.ema is not None:
            self.average = MovingAverage(self.model, self.recipe.training.ema, self.recipe.training.ema_warmup)
        saved, self._checkpoint = self._checkpoint, None
        if saved is None:
            return
        self.trainer.optimizers[0].load_state_dict(saved.optimizer)
        if saved.scaler is not None:
            self.trainer.precision_plugin.load_state_dict(saved.scaler)
        if self.average is not None and saved.ema is not None:
            self.average.load(saved.ema)

    def on_train_epoch_start(self) -> None:
        """Train mode for what the stage trains, eval mode for everything else; freeze the backbone at the start."""
        self.model.eval()
        for module in self.leg.stage.modules:
            module.train()
        for layer in self._frozen:
            layer.eval()
        if self.freezes:
            frozen = self.epoch < self.recipe.training.freeze_epochs
            for parameter in self._freezable:
                parameter.requires_grad_(not frozen)
            if frozen:
                _backbone(self.model).eval()
        if self._second is not None:
            self._second.set_epoch(self.epoch)
            self._second_batches = iter(self._second)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move the batch while the device still works on the last one."""
        return batch.to(device, non_blocking=True)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate and all generators from where training stands."""
        self.set_learning_rate(batch_idx)
        place = (self.recipe.training.seed, self.leg.index, self.epoch, batch_idx, self.trainer.global_rank)
        seed_globals(derived_seed(*place, 0))
        self._generator.manual_seed(derived_seed(*place, 1))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Augment, compute the stage's losses and those of the second stream, return their sum."""
        batch = self.model.augment(batch, self._generator)
        losses = self._losses(batch)
        if self._second is not None:
            with statistics_kept(self.model):
                losses |= self.model.parsing_losses(next(self._second_batches).to(self.device, non_blocking=True))
        try:
            self.tape.add(batch_idx, losses, batch.indices, self.model.watched)
        except NotFiniteLoss as error:
            raise self.explain(error) from error
        return torch.stack([loss.float() for loss in losses.values()]).sum()

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Update the moving average after each optimiser step."""
        if self.average is not None:
            batches, accumulate = int(self.trainer.num_training_batches), self.recipe.training.accumulate
            if (batch_idx + 1) % accumulate == 0 or batch_idx + 1 == batches:
                self.average.update(self.model, self.step(batch_idx))

    def on_train_epoch_end(self) -> None:
        """The next epoch's batches may be asked for before its first hook."""
        self.loader.set_epoch(self.epoch + 1)

    def step(self, batch_idx: int) -> int:
        """Number of the optimiser step a batch belongs to, 0 the first of the leg."""
        return self.epoch * self.steps_per_epoch + batch_idx // self.recipe.training.accumulate

    def set_learning_rate(self, batch_idx: int) -> None:
        """Set every group to its own base rate times the schedule's factor."""
        factor = lr_factor(self.recipe.schedule, self.step(batch_idx), self.steps_per_epoch, self.leg.epochs)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["initial_lr"] * factor

    def mean_losses(self) -> dict[str, float]:
        """Mean losses of the epoch.

        Raises:
            UserError: the last loss was not finite.
        """
        try:
            return self.tape.means()
        except NotFiniteLoss as error:
            raise self.explain(error) from error

    def explain(self, error: NotFiniteLoss) -> UserError:
        """Save the batch whose loss is not finite, and say where."""
        file = self.folder / "nan_batch.json"
        paths = [str(self.records[index].path) for index in error.indices]
        content = {
            "stage": self.leg.stage.name,
            "epoch": self.epoch + 1,
            "step": error.step,
            "losses": {name: str(value) for name, value in error.losses.items()},  # JSON knows no NaN
            "paths": paths,
        }
        write_json(file, content, indent=2)
        bad = ", ".join(f"{name} = {value}" for name, value in error.losses.items() if not math.isfinite(value))
        return UserError(
            f"the loss is not finite in epoch {self.epoch + 1}, step {error.step} ({bad}); its images are in {file}.",
            "Look at them, or lower optimizer.lr, set training.grad_clip, or use precision float32; then train anew.",
        )


def make_optimizer(
    section: OptimizerSection, groups: list[dict[str, Any]], device: torch.device | None = None
) -> torch.optim.Optimizer:
    """The optimiser a recipe asks for.

    On a CPU it is fused: the same steps without temporary copies, in a tenth of the time. On a GPU a fused optimiser
    would do the loss scaler's work itself, which rules out clipping under float16: there PyTorch's default stays.
    """
    fused = True if device is not None and device.type == "cpu" else None
    if section.name == "sgd":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(
            groups,
            lr=section.lr,
            momentum=section.momentum,
            weight_decay=section.weight_decay,
            nesterov=section.nesterov,
            fused=fused,
        )
        if fused and section.momentum:  # fused steps fail where some parameters, frozen at first, have no momentum yet
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    else:
        kind = torch.optim.AdamW if section.name == "adamw" else torch.optim.Adam
        optimizer = kind(groups, lr=section.lr, weight_decay=section.weight_decay, fused=fused)
    if fused:
        vars(optimizer)["_step_supports_amp_scaling"] = False  # a CPU has no scaler; Lightning would refuse to clip
    return optimizer


@contextmanager
def stage_trains(model: nn.Module, stage: Stage) -> Iterator[None]:
    """Within the block only the stage's modules require gradients; afterwards all is as it was."""
    own = {p: p.requires_grad for p in model.parameters()}
    trained = {p for module in stage.modules for p in module.parameters()}
    for parameter in own:
        parameter.requires_grad_(own[parameter] and parameter in trained)
    try:
        yield
    finally:
        for parameter, wanted in own.items():
            parameter.requires_grad_(wanted)


def _backbone(model: Trainable) -> nn.Module:
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        name = model.spec.name if model.spec else type(model).__name__
        raise UserError(f"the method {name} has no 'backbone' to freeze.", "Set training.freeze_epochs to 0.")
    return backbone
