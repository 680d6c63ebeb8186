"""Checkpoints: all a run needs to go on, written so that a kill never leaves half a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from occreid.errors import UserError, worded
from occreid.files import replacing

FORMAT = 1


@dataclass(slots=True)
class Checkpoint:
    """The state of a run at the end of an epoch.

    Attributes:
        stage: index of the leg of training.
        epoch: epochs of that leg that are complete.
        model: the model's state dict.
        optimizer: the optimiser's state dict.
        scaler: the fp16 loss scaler's state, else None.
        ema: the averaged weights, else None.
        best: highest mAP so far, in [0, 1], else None.
    """

    stage: int
    epoch: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    scaler: dict[str, Any] | None = None
    ema: dict[str, Tensor] | None = None
    best: float | None = None

    def save(self, path: Path) -> None:
        """Write beside the target, then rename: a reader sees the old checkpoint or the new one.

        Raises:
            UserError: the disk is full or not writable.
        """
        hint = "Free space there, then go on with --resume."
        try:
            with replacing(path, what="the checkpoint", hint=hint) as part:
                torch.save({"format": FORMAT, **{f.name: getattr(self, f.name) for f in fields(self)}}, part)
        except RuntimeError as error:  # torch's word for a full disk
            raise UserError(f"cannot write the checkpoint {path} ({error}).", hint) from error

    @staticmethod
    def load(path: Path) -> Checkpoint:
        """Read what `save` wrote; no code in the file is ever run.

        Raises:
            UserError: a damaged or foreign file.
        """
        hint = f"Put a whole checkpoint there, e.g. {path.parent / 'best.ckpt'}, or start the run again."
        if not zipfile.is_zipfile(path):  # what torch writes; older formats are not even tried
            raise UserError(f"the checkpoint {path} is damaged.", hint)
        with worded(f"the checkpoint {path} is damaged", hint):
            content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise UserError(f"{path} is no checkpoint of this version of occreid.", "Start the run again.")
        return Checkpoint(**content)
