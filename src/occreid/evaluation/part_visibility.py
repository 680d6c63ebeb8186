"""Which parts a parser calls visible when something hides them, by how much of them is left to be seen.

It needs no labels, so that photographs can be asked: what the parser sees in a picture is compared with what it sees
after a thing of known outline was pasted over it. A part that the thing covers wholly and that is called visible all
the same is *false visible*. The truth is the parser's own answer, or the picture's mask where it has one: what is
measured is whether it draws what it cannot see, not whether it finds parts.

Letters: B images, P = 4 parts, F bins of the fraction that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from occreid.data.images import Pixels, read_image
from occreid.data.loading.transforms import EvalTransform
from occreid.data.masks.files import read_mask, resize_mask
from occreid.data.masks.visibility import part_areas
from occreid.data.occlusion.library import OccluderLibrary
from occreid.data.occlusion.stress import HIDING, Stress, Stressor
from occreid.errors import UserError
from occreid.extraction import usable_device
from occreid.models.contract import PartParser
from occreid.models.masker import part_labels
from occreid.nn.modes import evaluating
from occreid.progress import progress_bar
from occreid.records import PART_NAMES, Record

BINS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Upper ends: nothing left, up to a quarter, …; a part that nothing covers is in the last one."""


@dataclass(frozen=True, slots=True)
class VisibleShares:
    """Counts of parts that were there before something was pasted.

    Attributes:
        parts: (F, P) how many, by what is left of them.
        called: (F, P) of these, how many are called visible.
        images: how many pictures.
    """

    parts: tuple[tuple[int, ...], ...]
    called: tuple[tuple[int, ...], ...]
    images: int

    def by_fraction(self) -> dict[float, float]:
        """Upper end of a bin → share of its parts that are called visible, in [0, 1]; bins without a part are left out.

        Of 0.0 it is the false-visible rate.
        """
        pairs = zip(BINS, self.called, self.parts, strict=True)
        return {upper: sum(called) / sum(parts) for upper, called, parts in pairs if sum(parts)}

    def false_by_part(self) -> dict[str, float]:
        """Part → share of its wholly hidden cases that are called visible; parts never hidden are left out."""
        rows = zip(PART_NAMES, self.called[0], self.parts[0], strict=True)
        return {name: called / parts for name, called, parts in rows if parts}


@torch.no_grad()
def visible_shares(
    model: PartParser,
    records: Sequence[Record],
    stress: Stress,
    *,
    library: OccluderLibrary | None = None,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> VisibleShares:
    """Ask a parser about pictures with something in front.

    Args:
        model: one that parses; given back in the mode it came in.
        records: pictures; what their masks say is the truth where they carry them.
        stress: what is pasted: of a kind that hides.
        library: the cut-outs of the kind ``object``.
        batch_size: pictures at once.
        device: where the model runs.
        progress: show a bar.

    Raises:
        UserError: no pictures, a stress that hides nothing, or an unreadable picture.
    """
    if stress.kind not in HIDING:
        raise UserError(f"the stress {stress} covers nothing.", f"Give one of {', '.join(HIDING)}, e.g. object:0.4")
    if not records:
        raise UserError("there are no pictures to ask the parser about.", "Give at least one.")
    where, stressor = usable_device(device), Stressor(stress, records, library)
    transform = EvalTransform(*model.input_size)
    counts = torch.zeros(2, len(BINS), len(PART_NAMES), dtype=torch.int64)

    def labels(pictures: Sequence[Pixels]) -> Tensor:
        """(B, H, W) uint8 at the model's size."""
        batch = torch.stack([transform(picture)[0] for picture in pictures]).to(where)
        return part_labels(model.parse(batch), *model.input_size).to(torch.uint8).cpu()

    model.to(where)
    with evaluating(model), progress_bar("hiding", len(records), progress) as advance:
        for start in range(0, len(records), batch_size):
            some = records[start : start + batch_size]
            images = [read_image(record.path) for record in some]
            before = _truth(some, labels(images), model.input_size)
            hidden = [
                stressor(image, mask, record) for image, mask, record in zip(images, before.numpy(), some, strict=True)
            ]
            left = torch.stack([torch.from_numpy(mask) for _, mask in hidden if mask is not None])
            counts += _counted(before, left, labels([image for image, _ in hidden]))
            advance(len(some))
    parts, called = ([tuple(row) for row in table.tolist()] for table in counts)
    return VisibleShares(tuple(parts), tuple(called), len(records))


def _truth(records: Sequence[Record], seen: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W): the records' masks at the model's size, and what the parser saw of those without."""
    rows = [
        row if record.mask is None else torch.from_numpy(resize_mask(read_mask(record.mask), *size))
        for record, row in zip(records, seen, strict=True)
    ]
    return torch.stack(rows)


def _counted(before: Tensor, left: Tensor, after: Tensor) -> Tensor:
    """(2, F, P): parts by what is left of them, and those of them that are called visible."""
    areas, remaining, shown = (part_areas(each, len(PART_NAMES)) for each in (before, left, after))  # (B, P)
    fraction = remaining / areas.clamp_min(1)
    bins = torch.bucketize(fraction, torch.tensor(BINS[:-1]))  # (B, P): the first upper end that is not below
    which = torch.nn.functional.one_hot(bins, len(BINS)).bool() & (areas > 0)[..., None]  # (B, P, F)
    called = which & (shown > 0)[..., None]
    return torch.stack([which.sum(0).T, called.sum(0).T])
