"""What a person sees while training: a bar, and one line an epoch."""

from __future__ import annotations

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from occreid.training.module import TrainingModule


class ProgressBar(Callback):
    """A bar over all steps of a leg, with the latest loss; on process 0 only.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Progress | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start at the epoch the leg starts at."""
        assert isinstance(pl_module, TrainingModule)
        if not trainer.is_global_zero:
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self.console, transient=True, refresh_per_second=4)
        steps = int(trainer.num_training_batches)
        leg = pl_module.leg
        self._bar.add_task("", total=leg.epochs * steps, completed=leg.first_epoch * steps, loss="–")
        self._bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One step on."""
        assert isinstance(pl_module, TrainingModule)
        if self._bar is not None:
            latest = pl_module.tape.latest
            self._bar.update(
                self._bar.task_ids[0],
                advance=1,
                description=f"epoch {pl_module.epoch + 1}/{pl_module.leg.epochs}",
                loss="–" if math.isnan(latest) else f"{latest:.3f}",
            )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Take the bar away before anything is said about the error."""
        self._stop()

    def _stop(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()
