"""Model + records → `Descriptors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch

from occreid.data.loading.dataset import Alter
from occreid.data.loading.loaders import eval_loader
from occreid.descriptors import Descriptors
from occreid.errors import UserError, did_you_mean
from occreid.extraction.devices import usable_device
from occreid.extraction.progress import progress_bar
from occreid.models.contract import Method
from occreid.models.mirror import describe
from occreid.nn.modes import evaluating
from occreid.records import Record

Precision = Literal["float32", "bfloat16", "float16"]
"""What the network computes in; descriptors are float32 in any case."""


@torch.no_grad()
def extract(
    model: Method,
    records: Sequence[Record],
    *,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    masks: bool = False,
    alter: Alter | None = None,
    flip_test: bool | None = None,
    progress: bool = True,
) -> Descriptors:
    """Describe the images of records, in their order.

    Args:
        model: is moved to ``device``, used in eval mode, and given back in the mode it came in.
        records: N images.
        batch_size: images at once.
        workers: processes that load images; 0 loads in this one.
        device: where the model runs.
        precision: see `Precision`.
        masks: hand the records' part masks to the method. Off by default: exact masks, as occsynth has them, tell
            a method at test time what no one could know in use.
        alter: changes each picture as it is read, e.g. a `occreid.data.stress.Stressor`.
        flip_test: average over image and mirror image, see `occreid.models.mirror`; None: as the model says.
        progress: show a bar on stderr.

    Returns:
        N descriptors on the CPU with pids, camids and paths.

    Raises:
        UserError: no records, an unreadable image (naming it), an unknown precision or a device that is not there.
    """
    if precision not in get_args(Precision):
        raise UserError(f"there is no precision '{precision}'.", did_you_mean(precision, get_args(Precision)))
    device = usable_device(device)
    height, width = model.input_size
    loader = eval_loader(
        records, height=height, width=width, batch_size=batch_size, workers=workers, masks=masks, alter=alter
    )
    pieces = []
    model.to(device)
    with evaluating(model), progress_bar("describing", len(records), progress) as advance:
        for batch in loader:
            moved = batch.to(device, non_blocking=True)
            with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                described = describe(model, moved.images, moved.masks, flip_test=flip_test)
            pieces.append(described.to("cpu"))
            advance(len(batch))
    joined = Descriptors.cat(pieces)
    return Descriptors(
        joined.features,
        joined.visibility,
        torch.tensor([r.pid for r in records], dtype=torch.int64),
        torch.tensor([r.camid for r in records], dtype=torch.int64),
        [str(r.path) for r in records],
    )
