"""Trying a network that was made elsewhere: what it gives for a picture, and whether the pictures beside it count.

A network whose answer for one picture depends on the others of its batch (batch normalisation left in training mode, a
reshape over the batch, quantisation by the batch's range) would give the same file another descriptor each time.

Letters: N pictures, B pictures of a batch, H × W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from occreid.errors import UserError, worded
from occreid.models.foreign import Interface, Network, prepared, run_batches

_SIZES = (2, 3, 7, 16)
"""Batches that a network which takes any number is tried with."""
_SHARE = 1e-3
"""Of the distance between two different pictures: what a picture's descriptor may move with its neighbours."""
_ROUNDING = {"float32": 2e-5, "uint8": 2e-5, "float16": 5e-3}
"""Of a descriptor's length: what rounding may move it, since other batch sizes are summed in another order."""
_EVAL = "Batch normalisation or dropout left in training mode does so: export it again after model.eval()."


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    Attributes:
        interface: as it holds in truth.
        parts: of a descriptor.
        dimensions: of a part.
        notes: sentences that somebody should read.
    """

    interface: Interface
    parts: int
    dimensions: int
    notes: tuple[str, ...] = ()


def tried(source: Path, network: Network, interface: Interface, size: tuple[int, int]) -> Trial:
    """Describe strongly different pictures alone and among others, in several orders and batch sizes.

    Args:
        source: the file, for errors.
        network: what it holds.
        interface: what the file promises.
        size: (H, W) of its pictures.

    Returns:
        With a batch of 1 where the file promises any number and fails on several, or answers otherwise there.

    Raises:
        UserError: the network fails on a picture, gives no vector or the same for all, answers otherwise the second
            time, or takes only several at once and mixes them.
    """
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (interface.mean, interface.std))
    inputs = prepared(trial_pictures(size), interface, mean, std)
    with torch.no_grad():
        alone = torch.cat([_run(source, network, one[None], interface.batch) for one in inputs])
        shape = _shape(source, alone)
        again = torch.cat([_run(source, network, one[None], interface.batch) for one in inputs[:2]])
        if _moved(alone, again, [0, 1], interface):
            raise UserError(f"{source} gives another answer for the same picture each time.", _EVAL)
        if interface.batch == 1:
            return Trial(interface, *shape)
        if interface.batch is not None:
            share = max(_moved(alone, _run(source, network, inputs[o], interface.batch), o, interface) for o in ORDERS)
            if share:
                raise UserError(
                    f"{source} takes {interface.batch} pictures at once, and its answer for one depends on the others "
                    f"(by {_percent(share)} of the distance between two pictures).",
                    f"{_EVAL} A batch of 1 or of any number would do as well.",
                )
            return Trial(interface, *shape)
        share = _mixing(network, inputs, alone, interface)
    if share is None:
        return Trial(replace(interface, batch=1), *shape)  # the file says any number and cannot
    if not share:
        return Trial(interface, *shape)
    note = (
        f"its answer for a picture depends on the others of the batch (by {_percent(share)} of the distance between "
        f"two pictures), so it is run one picture at a time. {_EVAL}"
    )
    return Trial(replace(interface, batch=1), *shape, (note,))


def trial_pictures(size: tuple[int, int]) -> Tensor:
    """(7, 3, H, W) uint8 pictures that differ in brightness, colour, contrast and pattern; none is flat."""
    generator = torch.Generator().manual_seed(0)
    height, width = size
    noise = torch.rand(7, 3, height, width, generator=generator)
    down = torch.linspace(0, 1, height).view(1, height, 1).expand(3, height, width)
    stripes = (torch.arange(width) // max(1, width // 8) % 2).float().view(1, 1, width).expand(3, height, width)
    bars = (torch.arange(height) // max(1, height // 8) % 2).float().view(1, height, 1).expand(3, height, width)
    red, blue = (torch.tensor(colour).view(3, 1, 1).expand(3, height, width) for colour in ((1.0, 0, 0), (0, 0, 1.0)))
    grey = torch.full((3, height, width), 0.5)
    patterns = torch.stack([grey * 0, grey * 2, red, down, stripes * blue, bars, grey])
    share = torch.tensor([0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 1.0]).view(7, 1, 1, 1)
    return ((patterns * (1 - share) + noise * share) * 255).round().to(torch.uint8)


ORDERS = tuple(torch.randperm(7, generator=torch.Generator().manual_seed(seed)).tolist() for seed in (1, 2, 3))
"""In which the pictures are laid beside each other."""


def _shape(source: Path, alone: Tensor) -> tuple[int, int]:
    """(P, D) of a descriptor, of (N, D) or (N, P, D) answers."""
    if alone.ndim not in (2, 3):
        raise UserError(
            f"{source} gives {list(alone.shape[1:])} for a picture, no vector.", "Choose another with --output NAME."
        )
    flat = alone.flatten(1)
    if not torch.isfinite(flat).all() or float(torch.cdist(flat, flat).max()) <= 1e-6 * float(flat.norm(dim=1).max()):
        raise UserError(f"{source} tells no picture from another.", "Check --mean, --std, --range and --output.")
    return (1, alone.shape[1]) if alone.ndim == 2 else (alone.shape[1], alone.shape[2])


def _mixing(network: Network, inputs: Tensor, alone: Tensor, interface: Interface) -> float | None:
    """By which share neighbours move an answer in batches of several sizes; None where the network fails on them."""
    shares = []
    for order, size in zip((*ORDERS, ORDERS[0]), _SIZES, strict=True):
        rows = (order * math.ceil(size / len(order)))[:size]
        try:
            shares.append(_moved(alone, _run(Path(), network, inputs[rows], None), rows, interface))
        except UserError:
            return None
    return max(shares)


def _moved(alone: Tensor, found: Tensor, rows: list[int], interface: Interface) -> float:
    """The largest move of an answer as a share of what lies between two pictures; 0 where rounding explains it."""
    reference = alone.flatten(1).double()
    away = (found.flatten(1).double() - reference[rows]).norm(dim=1)
    between = torch.cdist(reference, reference)
    typical = between[between > 0].median()
    allowed = (_SHARE * typical).clamp(min=_ROUNDING[interface.dtype] * reference.norm(dim=1).max())
    return 0.0 if float(away.max()) <= float(allowed) else float(away.max() / typical)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _run(source: Path, network: Network, inputs: Tensor, batch: int | None) -> Tensor:
    with worded(f"{source} fails on a picture", "Check --height and --width."):
        return run_batches(network, inputs, batch, str(source))
