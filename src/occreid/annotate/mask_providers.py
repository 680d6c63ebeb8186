"""Where masks of persons come from, where no parser made them: a folder of silhouettes, or Mask R-CNN.

Both write the layout of `occreid.data.masks.folders`, so that the folder is the cache: whoever needs the masks
reads it, and no mask is made twice. These masks tell the person from all else and know no parts: 0 and 1.

Letters: H × W pixels, n persons found in an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from occreid.annotate.detectors import open_detector, persons_in, weights_key
from occreid.data.images import Pixels, open_pillow, read_bytes, read_image
from occreid.data.masks.files import check_aspect, resize_mask, write_mask
from occreid.data.masks.folders import fingerprint, is_current, mask_path, mask_paths
from occreid.errors import UserError
from occreid.files import claim_folder
from occreid.records import Record

KEY = "masks.json"
"""In a folder of masks: what made them."""


class MaskProvider(Protocol):
    """Makes the mask of an image.

    Attributes:
        key: what the masks depend on; JSON-serialisable. A folder holds masks of one key.
    """

    key: Mapping[str, Any]

    def sources(self, image: Path) -> Sequence[Path]:
        """The files that the mask of an image is made of: the image, and perhaps another.

        Raises:
            UserError: one is missing.
        """
        ...

    def __call__(self, image: Path) -> Pixels:
        """(H, W) uint8 of the image's own size: 1 where the person is, else 0.

        Raises:
            UserError: naming a file that cannot be used.
        """
        ...


class SilhouetteFolder:
    """Masks that lie in a folder already, as pictures of any kind: brighter than half is the person.

    Args:
        root: the folder the benchmark is read from.
        folder: holds ``query/0001_c1.png`` for ``root/query/0001_c1.jpg``, at any scale.
    """

    def __init__(self, root: str | Path, folder: str | Path) -> None:
        self.root, self.folder = root, Path(folder)
        self.key: Mapping[str, Any] = {"provider": "silhouettes", "folder": str(self.folder.resolve())}

    def sources(self, image: Path) -> Sequence[Path]:
        """See `MaskProvider`."""
        path = mask_path(image, self.root, self.folder)
        if not path.is_file():
            raise UserError(f"{image} has no silhouette {path}.", "Make one, or choose another provider.")
        return image, path

    def __call__(self, image: Path) -> Pixels:
        """See `MaskProvider`."""
        _, path = self.sources(image)
        grey = np.asarray(open_pillow(read_bytes(path), path).convert("L"))
        mask = (grey > 127).astype(np.uint8)
        pixels = read_image(image)
        check_aspect(mask, pixels, path)
        return resize_mask(mask, *pixels.shape[:2])


class MaskRCNN:
    """The person Mask R-CNN is surest of and sees most of; nobody found is an empty mask.

    Args:
        network: images (3, H, W) in [0, 1] → boxes, labels, scores and masks, as torchvision's detectors; see
            `open_mask_rcnn`.
        weights: which weights, for the key; see `occreid.annotate.detectors.weights_key`.
        score: least score of a person.
        device: where it runs.
    """

    def __init__(
        self,
        network: Callable[[list[Tensor]], list[dict[str, Tensor]]],
        weights: str,
        *,
        score: float = 0.5,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.score, self.device = network, score, device
        self.key: Mapping[str, Any] = {"provider": "mask-rcnn", "weights": weights, "score": score}

    def sources(self, image: Path) -> Sequence[Path]:
        """See `MaskProvider`."""
        return (image,)

    def __call__(self, image: Path) -> Pixels:
        """See `MaskProvider`."""
        pixels = read_image(image)
        found = persons_in(self.network, pixels, self.score, self.device)
        masks = found["masks"][:, 0] > 0.5  # (n, H, W)
        if not len(masks):
            return np.zeros(pixels.shape[:2], np.uint8)
        best = (masks.float().mean((1, 2)) * found["scores"]).argmax()
        return masks[best].cpu().numpy().astype(np.uint8)


def open_mask_rcnn(weights: str, *, device: torch.device | str = "cpu") -> MaskRCNN:
    """Torchvision's Mask R-CNN (ResNet-50 FPN), with weights and errors as `open_detector` has them."""
    hint = "Give a file of torchvision's weights, or silhouettes."
    network = open_detector("maskrcnn_resnet50_fpn", weights, hint, device=device)
    return MaskRCNN(network, weights_key(weights), device=device)


def write_masks(
    records: Sequence[Record],
    root: str | Path,
    folder: str | Path,
    provider: MaskProvider,
    advance: Callable[[int], None] = lambda images: None,
) -> tuple[int, int]:
    """Make the masks that the folder does not hold yet, or that were made of other files; an interrupted call goes on
    where it stopped when it is called again.

    Args:
        records: of a benchmark read from ``root``.
        root: see `occreid.data.masks.folders.mask_path`.
        folder: the cache.
        provider: makes a mask.
        advance: called with 1 after each image.

    Returns:
        How many masks were made now, and how many of these are empty.

    Raises:
        UserError: the folder holds masks of another provider or cannot be written, or what the provider raises.
    """
    folder = Path(folder)
    claim_folder(folder, KEY, dict(provider.key), "masks of another provider or of other weights")
    made = empty = 0
    targets = mask_paths(records, root, folder)
    for record in records:
        target = targets[record.path]
        sources = provider.sources(record.path)
        made_of = fingerprint(*sources)
        if not is_current(target, made_of, *sources):
            mask = provider(record.path)
            write_mask(target, mask, made_of=made_of)
            made, empty = made + 1, empty + int(not mask.any())
        advance(1)
    return made, empty
