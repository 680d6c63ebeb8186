"""Which devices train, as the recipe asks and the machine allows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from occreid.errors import UserError
from occreid.nn.computing import check_compiler, check_precision
from occreid.training.recipe import TrainingSection

_RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")  # torchrun, SLURM, Lightning's own launcher
_PATIENCE = timedelta(hours=4)  # process 0 evaluates while the others wait


@dataclass(frozen=True, slots=True)
class Devices:
    """Where training runs.

    Attributes:
        kind: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        world_size: training processes in all.
    """

    kind: str
    world_size: int

    def own(self) -> torch.device:
        """The device of this process, for work outside of Lightning."""
        return (
            torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            if self.kind == "cuda"
            else torch.device(self.kind)
        )

    def trainer_options(self, section: TrainingSection, *, freezes: bool) -> dict[str, Any]:
        """What Lightning's Trainer needs to know of devices and precision; ``freezes``: some epochs train less."""
        strategy: Any = "auto"
        if self.world_size > 1:
            # a frozen backbone takes part in no backward pass, and DDP must be told to expect that
            strategy = DDPStrategy(find_unused_parameters=freezes, timeout=_PATIENCE)
        return {
            "accelerator": self.kind,
            "devices": section.devices,
            "num_nodes": section.nodes,
            "strategy": strategy,
            "precision": {"float32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[section.precision],
            "sync_batchnorm": section.sync_batchnorm and self.world_size > 1,
        }


def check_sync_batchnorm(model: nn.Module) -> None:
    """Refuse ``sync_batchnorm`` where torch's converter would change what the network computes.

    It replaces every batch norm by a plain synchronised one; a layer that also holds an activation, as those of
    EfficientNets and RegNets do, would lose it without a word.

    Raises:
        UserError: the model has such a layer.
    """
    plain = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    found = {
        type(part).__name__ for part in model.modules() if isinstance(part, _BatchNorm) and type(part) not in plain
    }
    if found:
        raise UserError(
            f"training.sync_batchnorm would make plain normalisation of this network's {', '.join(sorted(found))}, "
            "without the activation that it holds.",
            "Set it to false, or choose a ResNet.",
        )


def process_rank() -> int:
    """The number of this process among all training processes; 0 where there is one."""
    return next((int(os.environ[name]) for name in _RANKS if name in os.environ), 0)


def resolve_devices(section: TrainingSection) -> Devices:
    """Check the recipe's wishes against the machine.

    Raises:
        UserError: an accelerator or a number of devices that is not there, or fp16 on a CPU.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = section.accelerator
    if kind == "auto":
        kind = next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[kind]:
        raise UserError(f"training.accelerator is {kind}, and this machine has none.", "Set it to auto, or to cpu.")
    if section.compile:
        check_compiler(torch.device(kind), "training.compile")
    if section.precision != "auto":
        precision = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}[section.precision]
        check_precision(precision, torch.device(kind), f"training.precision {section.precision}")
    if kind == "cuda" and section.devices > torch.cuda.device_count():
        raise UserError(
            f"training.devices is {section.devices}, and this machine has {torch.cuda.device_count()}.",
            f"Set it to {torch.cuda.device_count()} or less.",
        )
    if kind == "mps" and section.devices > 1:
        raise UserError(f"training.devices is {section.devices}, and there is one MPS device.", "Set it to 1.")
    return Devices(kind, section.devices * section.nodes)
