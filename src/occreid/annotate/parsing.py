"""Part masks from a model, written as pictures.

Letters: B images, P = 4 parts, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from occreid.data.images import read_image
from occreid.data.loading.loaders import eval_loader
from occreid.data.masks.files import write_mask
from occreid.data.masks.folders import fingerprint, is_current, mask_paths
from occreid.extraction import Precision, usable_device
from occreid.files import claim_folder
from occreid.models.contract import PartParser
from occreid.models.masker import part_labels
from occreid.nn.modes import evaluating
from occreid.progress import progress_bar
from occreid.records import Batch, Record

KEY = "parsing.json"
"""In a folder of masks: which weights they come from."""


class How(TypedDict, total=False):
    """How a parser goes over pictures.

    Attributes:
        batch_size: images at once; 64.
        workers: processes that load images; 0.
        device: where the model runs; the CPU.
        precision: what it computes in; float32.
        progress: show a bar; True.
    """

    batch_size: int
    workers: int
    device: torch.device | str
    precision: Precision
    progress: bool


@torch.no_grad()
def parse_to_disk(
    model: PartParser,
    records: Sequence[Record],
    root: str | Path,
    folder: str | Path,
    *,
    weights: str,
    **how: Unpack[How],
) -> int:
    """Write a mask for every image, of the image's own size; masks that are there are left alone, unless
    their picture was replaced since.

    Args:
        model: one that parses.
        records: images of a benchmark read from ``root``.
        root: see `occreid.data.masks.folders.mask_path`.
        folder: gets the masks and ``parsing.json``.
        weights: sha256 of the weights: masks of other weights do not go into the same folder.
        how: see `How`.

    Returns:
        How many masks were written now.

    Raises:
        UserError: a folder of other masks, two images that would share a mask, an
            unreadable image, or a file that cannot be written.
    """
    targets = mask_paths(records, root, folder)
    key = {"weights_sha256": weights, "input_size": list(model.input_size)}
    claim_folder(Path(folder), KEY, key, "masks of other weights")
    made_of = {path: fingerprint(path) for path in targets}
    todo = [record for record in records if not is_current(targets[record.path], made_of[record.path], record.path)]
    for batch, scores in parsed(model, todo, **how):
        for index, one in zip(batch.indices.tolist(), scores, strict=True):
            record = todo[index]
            height, width = read_image(record.path).shape[:2]
            target = targets[record.path]
            mask = part_labels(one[None], height, width)[0].cpu().numpy()
            write_mask(target, mask, made_of=made_of[record.path])
    return len(todo)


def parsed(
    model: PartParser,
    records: Sequence[Record],
    *,
    masks: bool = False,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    progress: bool = True,
) -> Iterator[tuple[Batch, Tensor]]:
    """Each batch of the records, on the device, with the model's scores (B, 1 + P, h, w).

    Args:
        model: one that parses; given back in the mode it came in.
        records: images; none yield nothing.
        masks: load the records' masks too.
        batch_size: see `How`, like all that follows.
        workers: processes that load images.
        device: where the model runs.
        precision: what it computes in.
        progress: whether a bar is shown.
    """
    if not records:
        return
    device = usable_device(device)
    height, width = model.input_size
    loader = eval_loader(records, height=height, width=width, batch_size=batch_size, workers=workers, masks=masks)
    model.to(device)
    with evaluating(model), progress_bar("parsing", len(records), progress) as advance:
        for batch in loader:
            moved = batch.to(device, non_blocking=True)
            with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                scores = model.parse(moved.images)
            yield moved, scores
            advance(len(batch))
