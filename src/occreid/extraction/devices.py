"""Which device runs a model."""

from __future__ import annotations

import torch

from occreid.errors import UserError


def usable_device(name: torch.device | str) -> torch.device:
    """The device of this name; ``"auto"`` is the GPU where there is one.

    Raises:
        UserError: an unknown name, or hardware this machine does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"there is no device '{name}'.", "Give cpu, cuda, cuda:1, mps or auto.") from error
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(device.type, True) or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise UserError(f"this machine has no device '{name}'.", "Use --device cpu, or auto.")
    return device
