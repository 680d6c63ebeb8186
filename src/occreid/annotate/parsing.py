"""Part masks from a model: written as pictures, and measured against true ones.

Letters: B images, P = 4 parts, H × W pixels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from occreid.data.images import read_image
from occreid.data.loading.loaders import eval_loader
from occreid.data.masks.files import write_mask
from occreid.data.masks.folders import mask_path
from occreid.errors import UserError
from occreid.extraction import Precision, progress_bar, usable_device
from occreid.files import claim_folder
from occreid.models.contract import Method
from occreid.nn.modes import evaluating
from occreid.records import PART_NAMES, Batch, Record

KEY = "parsing.json"
"""In a folder of masks: which weights they come from."""


@dataclass(frozen=True, slots=True)
class PartScores:
    """Overlap of predicted and true masks, counted over all pixels of all images.

    Attributes:
        intersection: (1 + P,) pixels, background first, where prediction and truth both say so.
        union: (1 + P,) pixels where either does.
        images: how many.
    """

    intersection: tuple[int, ...]
    union: tuple[int, ...]
    images: int

    def iou(self) -> dict[str, float]:
        """Intersection over union in [0, 1] of the background and each part; NaN for one that is nowhere."""
        names = ("background", *PART_NAMES)
        pairs = zip(names, self.intersection, self.union, strict=True)
        return {name: both / either if either else float("nan") for name, both, either in pairs}

    def scores(self) -> dict[str, float]:
        """``mIoU`` over the parts that occur (without background), then the IoU of each part and the background."""
        each = self.iou()
        found = [each[name] for name in PART_NAMES if each[name] == each[name]]
        mean = sum(found) / len(found) if found else 0.0
        return {"mIoU": mean, **{f"IoU {name}": value for name, value in each.items() if value == value}}


@torch.no_grad()
def part_iou(
    model: Method,
    records: Sequence[Record],
    *,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    progress: bool = True,
) -> PartScores:
    """Compare a model's parts with the records' masks, at the model's input size.

    Args:
        model: one that parses; given back in the mode it came in.
        records: images with masks.
        batch_size: images at once.
        workers: processes that load images.
        device: where the model runs.
        precision: what it computes in.
        progress: show a bar.

    Raises:
        UserError: no records, one without mask, or a model that does not parse.
    """
    counts = torch.zeros((1 + len(PART_NAMES)) ** 2, dtype=torch.int64)
    for batch, scores in _parsed(model, records, batch_size, workers, device, precision, progress=progress, masks=True):
        if batch.masks is None:
            raise UserError("these images have no part masks to compare with.", "Measure on images that have.")
        labels = part_labels(scores, batch.masks.shape[-2], batch.masks.shape[-1])
        pairs = batch.masks.long() * (1 + len(PART_NAMES)) + labels
        counts += torch.bincount(pairs.flatten(), minlength=len(counts)).cpu()
    table = counts.view(1 + len(PART_NAMES), -1)  # rows: truth, columns: prediction
    both = table.diagonal()
    either = table.sum(0) + table.sum(1) - both
    return PartScores(tuple(both.tolist()), tuple(either.tolist()), len(records))


def part_labels(scores: Tensor, height: int, width: int) -> Tensor:
    """(B, 1 + P, h, w) scores, stretched → (B, H, W) int64 labels, 0 = background, p + 1 = part p."""
    return interpolate(scores.float(), (height, width), mode="bilinear", align_corners=False).argmax(1)


@torch.no_grad()
def parse_to_disk(
    model: Method,
    records: Sequence[Record],
    root: str | Path,
    folder: str | Path,
    *,
    weights: str,
    batch_size: int = 64,
    workers: int = 0,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
    progress: bool = True,
) -> int:
    """Write a mask for every image, of the image's own size; masks that are there already are left alone.

    Args:
        model: one that parses.
        records: images of a benchmark read from ``root``.
        root: see `occreid.data.masks.folders.mask_path`.
        folder: gets the masks and ``parsing.json``.
        weights: sha256 of the weights: masks of other weights do not go into the same folder.
        batch_size: images at once.
        workers: processes that load images.
        device: where the model runs.
        precision: what it computes in.
        progress: show a bar.

    Returns:
        How many masks were written now.

    Raises:
        UserError: a model that does not parse, a folder of other masks, two images that would share a mask, an
            unreadable image, or a file that cannot be written.
    """
    targets = _targets(records, root, folder)
    key = {"weights_sha256": weights, "input_size": list(model.input_size)}
    claim_folder(Path(folder), KEY, key, "masks of other weights")
    todo = [record for record in records if not targets[record.path].is_file()]
    for batch, scores in _parsed(model, todo, batch_size, workers, device, precision, progress=progress):
        for index, one in zip(batch.indices.tolist(), scores, strict=True):
            record = todo[index]
            height, width = read_image(record.path).shape[:2]
            target = targets[record.path]
            part = target.with_name(f"{target.stem}.part.png")
            write_mask(part, part_labels(one[None], height, width)[0].cpu().numpy())
            os.replace(part, target)  # a mask is there whole or not at all
    return len(todo)


def _targets(records: Sequence[Record], root: str | Path, folder: str | Path) -> dict[Path, Path]:
    targets: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for record in records:
        target = mask_path(record.path, root, folder)
        other = owners.setdefault(target, record.path)
        if other != record.path:
            raise UserError(f"{other} and {record.path} would share the mask {target}.", "Rename one of the images.")
        targets[record.path] = target
    return targets


def _parsed(
    model: Method,
    records: Sequence[Record],
    batch_size: int,
    workers: int,
    device: torch.device | str,
    precision: Precision,
    *,
    progress: bool,
    masks: bool = False,
) -> Iterator[tuple[Batch, Tensor]]:
    """Each batch, on the device, with the model's scores (B, 1 + P, h, w)."""
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
