"""From a decoded picture to a (3, H, W) uint8 tensor, the part mask going with it.

The tensor is a view of the pixels as they were decoded, colours innermost; `occreid.data.loading.dataset.collate` lays
a batch out as the network wants it, so that nothing is copied twice.

Every random choice comes from the generator given with the picture, so a draw's seed alone decides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from occreid.data.images import MEAN_PIXEL, Pixels
from occreid.data.loading.photometric import LUMA, Photometric
from occreid.data.masks.files import resize_mask
from occreid.data.occlusion.erasing import UNIFORMS, erasing_rectangles
from occreid.errors import UserError


class Transform(Protocol):
    """Turns a picture and its part mask into tensors of one fixed size."""

    @property
    def height(self) -> int:
        """H of the result in pixels."""
        ...

    @property
    def width(self) -> int:
        """W of the result in pixels."""
        ...

    def __call__(
        self, image: Pixels, mask: Pixels | None, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """(h, w, 3) uint8 and (h', w') uint8 or None → (3, H, W) uint8 and (H, W) uint8 or None."""
        ...


def resize(image: Pixels, height: int, width: int) -> Pixels:
    """Resize (h, w, 3) pixels: the mean over the area where a side shrinks, bilinear where it grows.

    A side that shrinks is never sampled bilinearly (that would alias); a picture that must shrink one way and
    grow the other is done in two steps.
    """
    h, w = image.shape[:2]
    # OpenCV's exact half is several times faster than its other areas, and the mean of means is the mean
    while h >= 2 * height and w >= 2 * width and h % 2 == w % 2 == 0:
        h, w = h // 2, w // 2
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if h > height or w > width:
        image = cv2.resize(image, (min(w, width), min(h, height)), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if image.shape[:2] != (height, width):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return image


@dataclass(frozen=True, slots=True)
class EvalTransform:
    """Resize and nothing else.

    Args:
        height: H of the result in pixels.
        width: W of the result in pixels.

    Raises:
        UserError: a side below 1.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        _check_size(self.height, self.width)

    def __call__(
        self, image: Pixels, mask: Pixels | None = None, generator: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(h, w, 3) uint8 and (h', w') uint8 or None → (3, H, W) uint8 and (H, W) uint8 or None."""
        resized = resize(image, self.height, self.width)
        labels = None if mask is None else torch.from_numpy(resize_mask(mask, self.height, self.width).copy())
        return _tensor(resized, image), labels


@dataclass(frozen=True, slots=True)
class TrainTransform:
    """Resize, flip, pad and crop, colour jitter, random erasing, in this order, the mask going along.

    Args:
        height: H of the result in pixels.
        width: W of the result in pixels.
        flip: probability of a left-right flip.
        pad: black pixels added on each side before a random H × W window is cut out; 0 switches it off.
        erase: probability of random erasing (Zhong et al., AAAI 2020), filled with ImageNet's mean colour.
        erase_area: smallest and largest share of the picture that is erased.
        erase_ratio: smallest and largest height/width of the erased rectangle.
        color_jitter: strength c: brightness, contrast and saturation are each multiplied by a factor
            drawn from [1 − c, 1 + c]; 0 switches it off.
        photometric: what else another camera would have made of the picture; None: nothing.

    Raises:
        UserError: an option outside its range.
    """

    height: int
    width: int
    flip: float = 0.5
    pad: int = 10
    erase: float = 0.5
    erase_area: tuple[float, float] = (0.02, 0.4)
    erase_ratio: tuple[float, float] = (0.3, 3.33)
    color_jitter: float = 0.0
    photometric: Photometric | None = None

    def __post_init__(self) -> None:
        _check_size(self.height, self.width)
        for name in ("flip", "erase", "color_jitter"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise UserError(f"the transform's {name} is {value}.", "Give a number from 0 to 1.")
        if self.pad < 0:
            raise UserError(f"the transform's pad is {self.pad}.", "Give 0 pixels or more.")
        if not 0 < self.erase_area[0] <= self.erase_area[1] <= 1:
            raise UserError(f"the transform's erase_area is {self.erase_area}.", "Give two shares, 0 < low ≤ high ≤ 1.")
        if not 0 < self.erase_ratio[0] <= self.erase_ratio[1]:
            raise UserError(f"the transform's erase_ratio is {self.erase_ratio}.", "Give two ratios, 0 < low ≤ high.")

    def __call__(
        self, image: Pixels, mask: Pixels | None, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """(h, w, 3) uint8 and (h', w') uint8 or None → (3, H, W) uint8 and (H, W) uint8 or None."""
        # always the same numbers in the same order: switching one augmentation leaves the others as they were
        uniform = generator.random(6 + UNIFORMS)
        height, width = self.height, self.width
        given, image = image, resize(image, height, width)
        mask = None if mask is None else resize_mask(mask, height, width)
        if uniform[0] < self.flip:
            image = cv2.flip(image, 1)  # type: ignore[assignment]
            mask = None if mask is None else cv2.flip(mask, 1)  # type: ignore[assignment]
        if self.pad:
            down, right = (int(u * (2 * self.pad + 1)) - self.pad for u in uniform[1:3])
            image = _shifted(image, down, right)
            mask = None if mask is None else _shifted(mask, down, right)
        if self.color_jitter:
            image = _jittered(image, 1 + self.color_jitter * (2 * uniform[3:6] - 1))
        if self.photometric is not None:
            image = self.photometric(image, generator)
        mask = None if mask is None else mask.copy()
        if uniform[6] < self.erase:
            image = image.copy() if image is given else image
            self._erase(image, mask, uniform[6:])
        return _tensor(image, given), None if mask is None else torch.from_numpy(mask)

    def _erase(self, image: Pixels, mask: Pixels | None, uniform: NDArray[np.float64]) -> None:
        top, left, h, w = erasing_rectangles(
            uniform[None],
            self.height,
            self.width,
            probability=self.erase,
            area=self.erase_area,
            ratio=self.erase_ratio,
        )[0].tolist()
        image[top : top + h, left : left + w] = MEAN_PIXEL
        if mask is not None:
            mask[top : top + h, left : left + w] = 0


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise UserError(f"an image size of {height}×{width} is impossible.", "Give a height and width of 1 or more.")


def _shifted(picture: Pixels, down: int, right: int) -> Pixels:
    """What pad and crop come to: the picture moved, zeros where it left."""
    height, width = picture.shape[:2]
    moved = np.zeros_like(picture)
    y, x = max(down, 0), max(right, 0)
    y_from, x_from = max(-down, 0), max(-right, 0)
    h, w = max(height - abs(down), 0), max(width - abs(right), 0)
    moved[y : y + h, x : x + w] = picture[y_from : y_from + h, x_from : x_from + w]
    return moved


def _jittered(image: Pixels, factors: NDArray[np.float64]) -> Pixels:
    """Brightness, contrast and saturation as one linear map of colours, rounded and clipped once at the end."""
    brightness, contrast, saturation = factors
    luma = np.array(LUMA)
    blend = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
    mean_grey = brightness * float(luma @ image.mean((0, 1)))
    matrix = np.empty((3, 4))
    matrix[:, :3] = brightness * contrast * blend
    matrix[:, 3] = (1 - contrast) * mean_grey  # grey stays grey under `blend`, whose rows sum to 1
    return cv2.transform(image, matrix)  # type: ignore[return-value]


def _tensor(image: Pixels, given: Pixels) -> Tensor:
    """(H, W, 3) → (3, H, W), a view of the same pixels unless they are the ``given`` ones, which are the caller's."""
    own = image.copy() if image is given else np.ascontiguousarray(image)
    return torch.from_numpy(own).permute(2, 0, 1)
