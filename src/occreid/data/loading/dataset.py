"""`ReidDataset`: records → samples, and `collate`: samples → `Batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from occreid.data.images import Pixels, read_image
from occreid.data.loading.samplers import Draw
from occreid.data.loading.transforms import Transform
from occreid.data.masks.files import check_aspect, part_pixels, read_mask, resize_mask
from occreid.data.masks.visibility import shrunk
from occreid.errors import UserError
from occreid.records import Batch, Record

Alter = Callable[[Pixels, Pixels | None, Record], tuple[Pixels, Pixels | None]]
"""Changes a picture and its part mask before they are resized, e.g. a `occreid.data.occlusion.stress.Stressor`."""


class Sample(NamedTuple):
    """One loaded image: (3, H, W) uint8, its numbers, (H, W) uint8 part mask and (P,) float32 visibility."""

    image: Tensor
    label: int
    camid: int
    index: int
    mask: Tensor | None = None
    visibility: Tensor | None = None


class ReidDataset(Dataset[Sample]):
    """Images of records, with part masks and part visibility where all records carry them.

    The visibility of a sample is what the record says, times the share of each part's mask pixels that the
    transform left (erased and cropped-away parts are not visible); without a mask it is the record's.

    Args:
        records: what to load; a sample's ``index`` is the position in it.
        transform: picture → tensor.
        class_index: pid → class index of training (`occreid.records.class_indices`); None labels with the pid itself.
        masks: False leaves the mask files unread, for methods that have no use for them.
        reduce: decode large JPEGs at a fraction of their size (see `occreid.data.images.read_image`), unless ``alter``
            is to see them: faster, and the resized pixels differ less than by one more JPEG compression.
        alter: changes each picture as it is read.

    Raises:
        UserError: no records, a pid without class index, or masks or visibility on only some of the records.
    """

    def __init__(
        self,
        records: Sequence[Record],
        transform: Transform,
        class_index: Mapping[int, int] | None = None,
        *,
        masks: bool = True,
        reduce: bool = True,
        alter: Alter | None = None,
    ) -> None:
        if not records:
            raise UserError("there are no images to load.", "Check the folder with: occreid data verify")
        if class_index is not None:
            for record in records:
                if record.pid not in class_index:
                    raise UserError(
                        f"person {record.pid} of {record.path} is none of the {len(class_index)} training identities.",
                        "Make the class indices from these very records.",
                    )
        self.records = tuple(records)
        self.transform = transform
        self.class_index = None if class_index is None else dict(class_index)
        self.has_masks = masks and _all_or_none(records, "mask")
        self.has_visibility = _all_or_none(records, "visibility")
        self.reduce = reduce and alter is None
        self.alter = alter

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, draw: Draw | int) -> Sample:
        """Load one image; a plain index draws with the index as its seed.

        Raises:
            UserError: naming the image or mask file that cannot be used.
        """
        index, seed = draw if isinstance(draw, tuple) else (draw, draw)
        record = self.records[index]
        size = (self.transform.height, self.transform.width)
        image = read_image(record.path, at_least=size if self.reduce else None)
        mask = self._mask(record, image) if self.has_masks else None
        whole = None if mask is None else resize_mask(mask, *size)
        if self.alter is not None:
            image, mask = self.alter(image, mask, record)
        mask = whole if self.alter is None or mask is None else resize_mask(mask, *size)
        pixels, labels = self.transform(image, mask, np.random.default_rng(seed))
        visibility = None
        if self.has_visibility:
            visibility = torch.tensor(record.visibility, dtype=torch.float32)
            if whole is not None and labels is not None:
                areas = (torch.from_numpy(part_pixels(m, len(visibility))) for m in (whole, labels.numpy()))
                visibility = shrunk(visibility, *areas)
        label = record.pid if self.class_index is None else self.class_index[record.pid]
        return Sample(pixels, label, record.camid, index, labels, visibility)

    @staticmethod
    def _mask(record: Record, image: Pixels) -> Pixels:
        assert record.mask is not None  # what _all_or_none has made sure of
        mask = read_mask(record.mask)
        check_aspect(mask, image, record.mask)
        return mask


def collate(samples: Sequence[Sample], *, channels_last: bool = False) -> Batch:
    """Stack samples to a batch: images (B, 3, H, W) uint8, labels, camids and indices (B,) int64.

    Args:
        samples: of one size.
        channels_last: the images' memory format, the one the network computes in.
    """
    images, labels, camids, indices, masks, visibility = zip(*samples, strict=True)
    return Batch(
        images=stack_images(images, channels_last=channels_last),
        labels=torch.tensor(labels, dtype=torch.int64),
        camids=torch.tensor(camids, dtype=torch.int64),
        indices=torch.tensor(indices, dtype=torch.int64),
        masks=None if masks[0] is None else torch.stack(masks),
        visibility=None if visibility[0] is None else torch.stack(visibility),
    )


def stack_images(images: Sequence[Tensor], *, channels_last: bool) -> Tensor:
    """B images (3, H, W) uint8 → (B, 3, H, W), contiguous or channels last; of pixels as decoded, with one copy."""
    rows = [image.permute(1, 2, 0) for image in images]  # (H, W, 3)
    if channels_last:
        return torch.stack(rows).permute(0, 3, 1, 2)
    batch = torch.empty(len(images), *images[0].shape, dtype=torch.uint8)
    for planes, row in zip(batch.numpy(), rows, strict=True):
        cv2.split(row.numpy(), [*planes])  # several times faster than a transposing copy
    return batch


def _all_or_none(records: Sequence[Record], name: str) -> bool:
    without = [record for record in records if getattr(record, name) is None]
    if 0 < len(without) < len(records):
        raise UserError(
            f"{len(without)} of {len(records)} images have no {name}, the first is {without[0].path}.",
            f"Give every image a {name}, or none.",
        )
    return not without
