"""``precision="auto"``: which precision and memory format describe pictures the fastest on this machine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Literal, get_args

import torch

from occreid.errors import UserError, did_you_mean
from occreid.models.contract import Method
from occreid.nn.computing import (
    MEMORY_FORMATS,
    PLAIN,
    Computing,
    MemoryFormat,
    Precision,
    check_precision,
    fastest,
    memory_format_of,
    shortest_strided_side,
    ways,
    without_bfloat16,
)
from occreid.nn.modes import evaluating

AskedPrecision = Precision | Literal["auto"]
"""A precision, or ``"auto"``: measure precision and memory format."""
ASKED: tuple[str, ...] = (*get_args(Precision), "auto")
_PICTURES = {"cpu": 8}  # at once while measuring; a GPU takes the batches it is asked for


def check_asked(precision: str, device: torch.device) -> None:
    """Raise a `UserError` unless ``precision`` is one of `ASKED` and the device can do it."""
    if precision not in ASKED:
        raise UserError(f"there is no precision '{precision}'.", did_you_mean(precision, ASKED))
    check_precision(precision, device, f"precision {precision}")


def way_for(
    model: Method,
    device: torch.device,
    precision: AskedPrecision,
    memory_format: MemoryFormat | None = None,
    batch_size: int = 64,
) -> Computing:
    """What is asked for, or what is fastest where that is ``"auto"``.

    Args:
        model: as it is; nothing of it is changed.
        device: where it will run.
        precision: see `AskedPrecision`.
        memory_format: of a precision that is not ``"auto"``; None: the one the model is in.
        batch_size: pictures at once.

    Raises:
        UserError: an unknown precision, or one that the device cannot do.
    """
    check_asked(precision, device)
    if precision != "auto":
        return Computing(memory_format or memory_format_of(model), precision)
    if next(model.parameters(), None) is None:  # an exported model computes as it was exported
        return PLAIN
    candidates = ways(device, get_args(MemoryFormat), get_args(Precision))
    images = torch.randint(
        0,
        256,
        (min(batch_size, _PICTURES.get(device.type, batch_size)), 3, *model.input_size),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0),
    ).to(device)
    masks = torch.ones_like(images[:, 0]) if model.needs_masks else None

    def prepare(way: Computing) -> Callable[[], object]:
        memory_format = MEMORY_FORMATS[way.memory_format]
        own, pictures = copy.deepcopy(model).to(device), images.contiguous(memory_format=memory_format)
        own = own.to(memory_format=memory_format)

        def step() -> object:
            with torch.no_grad(), evaluating(own), computing_in(way.precision, device):
                return own.describe(pictures, masks)

        return step

    if device.type == "cpu":
        own = copy.deepcopy(model)
        with torch.no_grad(), evaluating(own):
            side = shortest_strided_side(own, lambda: own.describe(images[:1], None if masks is None else masks[:1]))
        candidates = without_bfloat16(candidates, side)
    return fastest(candidates, prepare, device)[0]


def computing_in(precision: Precision, device: torch.device) -> torch.autocast | nullcontext[None]:
    """The context a network runs in."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, getattr(torch, precision))
