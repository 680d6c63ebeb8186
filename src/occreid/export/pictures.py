"""Real pictures to compare an exported model on, as evaluation loads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from occreid.data.loading.loaders import eval_loader
from occreid.data.walk import images_under
from occreid.errors import UserError
from occreid.models.contract import Method
from occreid.records import Record

COMPARED = 42
"""1 + 2 + 7 + 32 pictures: each batch of the comparison has its own."""


def load_pictures(records: Sequence[Record], model: Method) -> tuple[Tensor, Tensor | None]:
    """Pictures at a model's input size, and masks where it needs them: those on disk, else its own parser's.

    Returns:
        (N, 3, H, W) uint8 RGB and (N, H, W) uint8, or None.

    Raises:
        UserError: no records, an unreadable picture, or no masks where they are needed.
    """
    if not records:
        raise UserError("there is no picture to compare on.", "Give a folder of pictures: --images FOLDER")
    from_disk = model.needs_masks and all(record.mask is not None for record in records)
    if model.needs_masks and not from_disk and model.masker is None:
        raise UserError(
            f"this {type(model).__name__} needs masks to describe, and there is none of the pictures to compare on.",
            "Make masks with 'occreid parse' or 'occreid masks', and name them: --option test_masks=FOLDER.",
        )
    height, width = model.input_size
    loader = eval_loader(records, height=height, width=width, batch_size=32, masks=from_disk)
    batches = [(batch.images, model.masks_for(batch.images, batch.masks)) for batch in loader]
    masks = [mask for _, mask in batches if mask is not None]
    return torch.cat([images for images, _ in batches]), torch.cat(masks) if model.needs_masks else None


def folder_records(folder: Path, count: int = COMPARED) -> list[Record]:
    """The first pictures of a folder, of persons nobody knows.

    Raises:
        UserError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}.", "Give a folder of pictures with --images.")
    return [Record(path, 0, 0) for path in images_under(folder)[:count]]


def spread(records: Sequence[Record], count: int) -> list[Record]:
    """So many records, evenly over all of them.

    >>> spread([1, 2, 3, 4, 5, 6], 3)
    [1, 3, 5]
    """
    step = max(1, len(records) // count)
    return list(records[::step][:count])
