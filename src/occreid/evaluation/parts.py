"""How well a model parses: the overlap of its part masks with true ones.

Letters: P = 4 parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor

from occreid.annotate.parsing import How, parsed
from occreid.errors import UserError
from occreid.models.contract import PartParser
from occreid.models.masker import part_labels
from occreid.records import PART_NAMES, Record


@dataclass(frozen=True, slots=True)
class PartScores:
    """Overlap of predicted and true masks, counted over all pixels of all images.

    Attributes:
        intersection: (1 + P,) pixels, background first, where prediction and truth both say so.
        union: (1 + P,) pixels where either does.
        images: how many.
        hidden: (P,) images in whose true mask a part is nowhere.
        called_visible: (P,) of these, images where the prediction shows it all the same.
    """

    intersection: tuple[int, ...]
    union: tuple[int, ...]
    images: int
    hidden: tuple[int, ...] = ()
    called_visible: tuple[int, ...] = ()

    def iou(self) -> dict[str, float]:
        """Intersection over union in [0, 1] of the background and each part; NaN for one that is nowhere."""
        names = ("background", *PART_NAMES)
        pairs = zip(names, self.intersection, self.union, strict=True)
        return {name: both / either if either else float("nan") for name, both, either in pairs}

    def scores(self) -> dict[str, float]:
        """``mIoU`` over the parts that occur (without background), the IoU of each part and the background, and
        ``false visible``, the share of hidden parts that are called visible, of all and of each part.
        """
        each = self.iou()
        found = [each[name] for name in PART_NAMES if each[name] == each[name]]
        mean = sum(found) / len(found) if found else 0.0
        return {
            "mIoU": mean,
            **{f"IoU {name}": value for name, value in each.items() if value == value},
            **self._false(),
        }

    def _false(self) -> dict[str, float]:
        found = {"false visible": (sum(self.called_visible), sum(self.hidden))}
        counted = PART_NAMES if self.hidden else ()  # nothing was counted where no truth says what is hidden
        for name, called, hidden in zip(counted, self.called_visible, self.hidden, strict=True):
            found[f"false visible {name}"] = (called, hidden)
        return {name: called / hidden for name, (called, hidden) in found.items() if hidden}


@torch.no_grad()
def part_iou(
    model: PartParser,
    records: Sequence[Record],
    **how: Unpack[How],
) -> PartScores:
    """Compare a model's parts with the records' masks, at the model's input size.

    Args:
        model: one that parses; given back in the mode it came in.
        records: images with masks.
        how: see `How`.

    Raises:
        UserError: one without a mask.
    """
    counts = torch.zeros((1 + len(PART_NAMES)) ** 2, dtype=torch.int64)
    hidden, called = torch.zeros(2, len(PART_NAMES), dtype=torch.int64)
    for batch, scores in parsed(model, records, masks=True, **how):
        if batch.masks is None:
            raise UserError("these images have no part masks to compare with.", "Measure on images that have.")
        labels = part_labels(scores, batch.masks.shape[-2], batch.masks.shape[-1])
        pairs = batch.masks.long() * (1 + len(PART_NAMES)) + labels
        counts += torch.bincount(pairs.flatten(), minlength=len(counts)).cpu()
        there, shown = (_parts_there(each) for each in (batch.masks.long(), labels))  # (B, P)
        hidden, called = hidden + (~there).sum(0), called + (~there & shown).sum(0)
    table = counts.view(1 + len(PART_NAMES), -1)  # rows: truth, columns: prediction
    both = table.diagonal()
    either = table.sum(0) + table.sum(1) - both
    return PartScores(
        tuple(both.tolist()), tuple(either.tolist()), len(records), tuple(hidden.tolist()), tuple(called.tolist())
    )


def _parts_there(labels: Tensor) -> Tensor:
    """(B, H, W) labels → (B, P) bool on the CPU, whether a part has a pixel."""
    numbers = torch.arange(1, 1 + len(PART_NAMES), device=labels.device)
    return (labels.flatten(1)[:, :, None] == numbers).any(1).cpu()
