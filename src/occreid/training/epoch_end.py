"""What happens at the end of an epoch: log, evaluate, write the checkpoint, in this order.

The checkpoint comes last, so whatever a kill interrupts is done again by the resumed run, and rows written
after the checkpoint are cut away first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from torch.utils.tensorboard import SummaryWriter

from occreid.evaluation.parts import PartScores
from occreid.retrieval import Ranking
from occreid.training.checkpoints import Checkpoint
from occreid.training.module import TrainingModule
from occreid.training.tables import Table

LAST, BEST = "checkpoints/last.ckpt", "checkpoints/best.ckpt"


class EpochEnd(Callback):
    """Logs, evaluates and saves; on process 0 only.

    Args:
        folder: the run folder.
        console: where the line of each epoch is printed.
        evaluate: device → what a test of the model as it is gave, or None where there is nothing to test on.
        epochs_before: epochs of earlier legs, for TensorBoard's axis.
        best: highest mAP (of a parsing network, mean IoU) of earlier epochs, or None.
    """

    def __init__(
        self,
        folder: Path,
        console: Console,
        evaluate: Callable[[torch.device], Ranking | PartScores | None],
        epochs_before: int = 0,
        best: float | None = None,
    ) -> None:
        self.folder, self.console, self.evaluate = folder, console, evaluate
        self.epochs_before, self.best = epochs_before, best
        self.ranking: Ranking | PartScores | None = None
        """Of the last epoch, if it was evaluated."""
        self._started = 0.0
        self._board: SummaryWriter | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log, evaluate if it is time, save if it is time."""
        assert isinstance(pl_module, TrainingModule)
        losses = pl_module.mean_losses()  # on every process: each guards against its own NaN
        if not trainer.is_global_zero:
            return
        done, leg, section = pl_module.epoch + 1, pl_module.leg, pl_module.recipe.training
        self._log(trainer, pl_module, losses)
        improved = False
        if section.evaluate_every and (done % section.evaluate_every == 0 or done == leg.epochs):
            improved = self._evaluate(pl_module)
        if improved or done % section.checkpoint_every == 0 or done == leg.epochs:
            checkpoint = self._checkpoint(trainer, pl_module)
            if improved:
                checkpoint.save(self.folder / BEST)
            if done % section.checkpoint_every == 0 or done == leg.epochs:
                checkpoint.save(self.folder / LAST)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close TensorBoard's file."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close TensorBoard's file."""
        self._close()

    def _log(self, trainer: Trainer, module: TrainingModule, losses: dict[str, float]) -> None:
        seconds = time.perf_counter() - self._started
        data, batches = module.recipe.data, int(trainer.num_training_batches)
        rate = batches * data.p * data.k * trainer.world_size / seconds
        lr = float(trainer.optimizers[0].param_groups[0]["lr"])
        epoch, total = module.epoch + 1, sum(losses.values())
        row = {"stage": module.leg.stage.name, "epoch": epoch, "step": epoch * module.steps_per_epoch, "lr": lr}
        row |= {"loss": total, "images_per_second": round(rate, 1), "seconds": round(seconds, 2)}
        watched = module.tape.watched
        row |= {f"loss_{name}": value for name, value in losses.items()} | watched
        Table(self.folder / "log.csv").append(row)
        shown = {f"loss/{n}": v for n, v in losses.items()} | {f"watched/{n}": v for n, v in watched.items()}
        for name, value in {"loss": total, "lr": lr, **shown}.items():
            self._tensorboard(epoch).add_scalar(name, value, self.epochs_before + epoch)
        self.console.print(f"epoch {epoch}/{module.leg.epochs}  loss {total:.4f}  lr {lr:.2e}  {rate:.0f} images/s")

    def _evaluate(self, module: TrainingModule) -> bool:
        """Evaluate with the averaged weights if there are; True where the first score (mAP) is the highest so far."""
        if module.average is None:
            ranking = self.evaluate(module.device)
        else:
            with module.average.applied(module.model):
                ranking = self.evaluate(module.device)
        if ranking is None:
            return False
        epoch, scores = module.epoch + 1, ranking.scores()
        Table(self.folder / "evaluation.csv").append({"stage": module.leg.stage.name, "epoch": epoch, **scores})
        for name, value in scores.items():
            self._tensorboard(epoch).add_scalar(f"evaluation/{name}", value, self.epochs_before + epoch)
        self.console.print(f"epoch {epoch}/{module.leg.epochs}  {format_scores(scores)}{oracle_words(ranking)}")
        if epoch == module.leg.epochs:
            self.ranking = ranking
        first = next(iter(scores.values()))
        if self.best is not None and first <= self.best:
            return False
        self.best = first
        return True

    def _checkpoint(self, trainer: Trainer, module: TrainingModule) -> Checkpoint:
        scaler = trainer.precision_plugin.state_dict()
        return Checkpoint(
            stage=module.leg.index,
            epoch=module.epoch + 1,
            model=module.model.state_dict(),
            optimizer=trainer.optimizers[0].state_dict(),
            scaler=scaler or None,
            ema=None if module.average is None else module.average.tensors,
            best=self.best,
        )

    def _tensorboard(self, epoch: int) -> SummaryWriter:
        if self._board is None:  # rows of an interrupted run from here on no longer count
            self._board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=self.epochs_before + epoch)
        return self._board

    def _close(self) -> None:
        if self._board is not None:
            self._board.close()


def oracle_words(ranking: Ranking | PartScores) -> str:
    """What a test was given that no one could know in use, for the end of a line; empty for an honest one."""
    oracle = ranking.protocol.oracle if isinstance(ranking, Ranking) else ""
    return f"  (ORACLE: {oracle})" if oracle else ""


def format_scores(scores: dict[str, float]) -> str:
    """Scores in per cent on one line.

    >>> format_scores({"mAP": 0.5, "R-1": 1.0})
    'mAP 50.0 %  R-1 100.0 %'
    """
    return "  ".join(f"{name} {100 * value:.1f} %" for name, value in scores.items())
