"""Running one leg in Lightning's Trainer, quietly, and without its habit of leaving the process on Ctrl-C."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Callback, LightningModule, Trainer

from occreid.training.devices import Devices
from occreid.training.module import TrainingModule
from occreid.training.recipe import TrainingSection


def fit(module: TrainingModule, section: TrainingSection, devices: Devices, callbacks: Sequence[Callback] = ()) -> None:
    """Train a leg from its first epoch to its last.

    Args:
        module: what to train.
        section: accumulation, clipping, precision and devices.
        devices: where.
        callbacks: called after each epoch and so on.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        UserError: a loss that is not finite, an image that cannot be read.
    """
    interrupt = _Interrupted()
    with _quiet(), _own_interrupt_handler():
        trainer = Trainer(
            max_epochs=module.leg.epochs - module.leg.first_epoch,
            accumulate_grad_batches=section.accumulate,
            gradient_clip_val=section.grad_clip,
            deterministic=section.deterministic,
            benchmark=not section.deterministic,
            callbacks=[*callbacks, interrupt],
            default_root_dir=module.folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # PKSampler gives each process its own identities
            **devices.trainer_options(section, freezes=module.freezes),
        )
        module.train()
        try:
            trainer.fit(module)
        except SystemExit:
            if interrupt.happened:
                raise KeyboardInterrupt from None
            raise


class _Interrupted(Callback):
    """Remembers a Ctrl-C, which Lightning turns into an exit."""

    def __init__(self) -> None:
        self.happened = False

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.happened = isinstance(exception, KeyboardInterrupt)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's hints: what matters of them the run says itself."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PossibleUserWarning)
        warnings.filterwarnings(
            "ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning
        )  # Lightning's own
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _own_interrupt_handler() -> Iterator[None]:
    """Give Ctrl-C back to whoever had it: Lightning leaves it ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
