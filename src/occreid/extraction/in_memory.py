"""Model + records → `Descriptors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch

from occreid.data.loading.dataset import Alter
from occreid.data.loading.loaders import eval_loader
from occreid.descriptors import Descriptors
from occreid.extraction.devices import usable_device
from occreid.extraction.fastest import AskedPrecision, computing_in, way_for
from occreid.models.contract import Method
from occreid.models.mirror import describe
from occreid.nn.computing import MEMORY_FORMATS, MemoryFormat
from occreid.nn.modes import evaluating
from occreid.progress import progress_bar
from occreid.records import Record


class Extraction(TypedDict, total=False):
    """Options of `extract` that hold for any number of images, for those who hand them on."""

    batch_size: int
    workers: int
    device: torch.device | str
    precision: AskedPrecision
    memory_format: MemoryFormat | None
    masks: bool
    flip_test: bool | None
    progress: bool


@torch.no_grad()
def extract(
    model: Method,
    records: Sequence[Record],
    *,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: AskedPrecision = "float32",
    memory_format: MemoryFormat | None = None,
    masks: bool = False,
    alter: Alter | None = None,
    flip_test: bool | None = None,
    progress: bool = True,
) -> Descriptors:
    """Describe the images of records, in their order.

    Args:
        model: is moved to ``device`` and ``memory_format``, used in eval mode, and given back in the mode it came in.
        records: N images.
        batch_size: images at once.
        workers: processes that load images; 0 loads in this one.
        device: where the model runs.
        precision: what the network computes in; descriptors are float32 in any case. ``"auto"``: what is fastest here,
            memory format included.
        memory_format: of images and weights, from the decoder on; None: the one the model is in.
        masks: hand the records' part masks to the method. Off by default: exact masks, as occsynth has them, tell
            a method at test time what no one could know in use.
        alter: changes each picture as it is read, e.g. a `occreid.data.occlusion.stress.Stressor`.
        flip_test: average over image and mirror image, see `occreid.models.mirror`; None: as the model says.
        progress: show a bar on stderr.

    Returns:
        N descriptors on the CPU with pids, camids, paths and names.

    Raises:
        UserError: no records, an unreadable image (naming it), an unknown precision or a device that is not there.
    """
    device = usable_device(device)
    way = way_for(model, device, precision, memory_format, batch_size)
    height, width = model.input_size
    loader = eval_loader(
        records,
        height=height,
        width=width,
        batch_size=batch_size,
        workers=workers,
        masks=masks,
        channels_last=way.memory_format == "channels_last",
        alter=alter,
    )
    pieces = []
    model.to(device).to(memory_format=MEMORY_FORMATS[way.memory_format])
    with evaluating(model), progress_bar("describing", len(records), progress) as advance:
        for batch in loader:
            moved = batch.to(device, non_blocking=True)
            with computing_in(way.precision, device):
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
        [r.person_name for r in records],
        [r.camera_name for r in records],
    )
