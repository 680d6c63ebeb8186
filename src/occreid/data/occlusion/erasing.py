"""Occlusions drawn into pictures, for single images (`transforms`) and for whole batches on any device.

Letters: B images, H × W pixels, P body parts, T tries per rectangle.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from occreid.data.images import MEAN_PIXEL
from occreid.data.masks.visibility import part_areas, shrunk
from occreid.errors import UserError
from occreid.records import Batch

_TRIES = 16  # a shape misses the picture about one time in five with the usual options: 16 misses never happen
UNIFORMS = 3 + 2 * _TRIES
"""How many uniform numbers in [0, 1) one image's rectangle takes, see `erasing_rectangles`."""


def erasing_rectangles(
    uniform: NDArray[np.float64],
    height: int,
    width: int,
    *,
    probability: float = 0.5,
    area: tuple[float, float] = (0.02, 0.4),
    ratio: tuple[float, float] = (0.3, 3.33),
) -> NDArray[np.int64]:
    """Rectangles of random erasing: Zhong et al., Random Erasing Data Augmentation, AAAI 2020, Algorithm 1.

    Area S_e and aspect r_e = H_e/W_e are uniform; a shape larger than the picture is drawn again. The place is
    then uniform among those where the whole rectangle lies inside. (The printed algorithm draws the place with
    the shape and rejects both, which favours small rectangles; the authors' released program and every
    toolbox do as here.)

    Args:
        uniform: (B, `UNIFORMS`) numbers in [0, 1), the only randomness used.
        height: H of the picture in pixels.
        width: W of the picture in pixels.
        probability: share of images that get a rectangle.
        area: smallest and largest share of the picture that is erased.
        ratio: smallest and largest height/width of a rectangle.

    Returns:
        (B, 4) int64: top, left, height, width; all zero where nothing is erased.
    """
    shapes = uniform[:, 3:].reshape(len(uniform), _TRIES, 2)
    erased = (area[0] + (area[1] - area[0]) * shapes[:, :, 0]) * height * width
    aspect = ratio[0] + (ratio[1] - ratio[0]) * shapes[:, :, 1]
    tall = np.rint(np.sqrt(erased * aspect)).astype(np.int64)
    wide = np.rint(np.sqrt(erased / aspect)).astype(np.int64)
    fits = (tall > 0) & (wide > 0) & (tall <= height) & (wide <= width)
    rows = np.arange(len(uniform))
    first = fits.argmax(1)
    h, w = tall[rows, first], wide[rows, first]
    top = (uniform[:, 1] * (height - h + 1)).astype(np.int64)
    left = (uniform[:, 2] * (width - w + 1)).astype(np.int64)
    chosen = fits.any(1) & (uniform[:, 0] < probability)
    return np.stack([top, left, h, w], axis=1) * chosen[:, None]


def rectangle_masks(rectangles: Tensor, height: int, width: int) -> Tensor:
    """(B, 4) top, left, height, width → (B, H, W) bool, True inside, on the rectangles' device."""
    top, left, h, w = rectangles[:, :, None].unbind(1)  # (B, 1) each
    rows = torch.arange(height, device=rectangles.device)
    columns = torch.arange(width, device=rectangles.device)
    inside_rows = (rows >= top) & (rows < top + h)  # (B, H)
    inside_columns = (columns >= left) & (columns < left + w)  # (B, W)
    return inside_rows[:, :, None] & inside_columns[:, None, :]


def erase(
    images: Tensor, where: Tensor, masks: Tensor | None = None, fill: tuple[float, float, float] = MEAN_PIXEL
) -> tuple[Tensor, Tensor | None]:
    """Fill pixels of a batch and mark them as occluded in its part masks; the caller's tensors stay as they are.

    Args:
        images: (B, 3, H, W) uint8 in 0…255 or floating point in [0, 1].
        where: (B, H, W) bool, True where to fill.
        masks: (B, H, W) part masks or None; filled pixels become 0.
        fill: RGB in 0…255, divided by 255 for floating-point images.

    Returns:
        New images and new masks (None if there were none).
    """
    colour = torch.tensor(fill, device=images.device)
    colour = colour.to(images.dtype) if images.dtype == torch.uint8 else (colour / 255).to(images.dtype)
    filled = torch.where(where[:, None], colour.view(1, 3, 1, 1), images)
    return filled, None if masks is None else masks.masked_fill(where, 0)


def random_erasing(
    images: Tensor,
    generator: torch.Generator,
    masks: Tensor | None = None,
    *,
    probability: float = 0.5,
    area: tuple[float, float] = (0.02, 0.4),
    ratio: tuple[float, float] = (0.3, 3.33),
    fill: tuple[float, float, float] = MEAN_PIXEL,
) -> tuple[Tensor, Tensor | None]:
    """Random erasing of a whole batch, one rectangle per chosen image (see `erasing_rectangles`).

    The rectangles are decided on the CPU by ``generator``, so that every device erases the same pixels.

    Args:
        images: (B, 3, H, W) uint8 in 0…255 or floating point in [0, 1], on any device.
        generator: a CPU generator.
        masks: (B, H, W) part masks or None; what is erased becomes 0.
        probability: share of images that get a rectangle.
        area: smallest and largest share of the picture that is erased.
        ratio: smallest and largest height/width of a rectangle.
        fill: RGB in 0…255 of the erased pixels.

    Returns:
        New images and new masks; the caller's tensors are not touched.
    """
    batch, _, height, width = images.shape
    uniform = torch.rand(batch, UNIFORMS, generator=generator, dtype=torch.float64).numpy()
    rectangles = erasing_rectangles(uniform, height, width, probability=probability, area=area, ratio=ratio)
    where = rectangle_masks(torch.from_numpy(rectangles).to(images.device), height, width)
    return erase(images, where, masks, fill)


def random_batch_erasing(batch: Batch, generator: torch.Generator, *, probability: float = 0.5) -> Batch:
    """`random_erasing` of a training batch: pictures, part masks and, where both are known, part visibility."""
    images, masks = random_erasing(batch.images, generator, batch.masks, probability=probability)
    return _with_pictures(batch, images, masks)


def compound_batch_erasing(
    batch: Batch,
    generator: torch.Generator,
    *,
    probability: float = 0.5,
    stripes: tuple[int, ...] = (6, 7, 8),
) -> Batch:
    """Compound batch erasing, [X_re; X_bce] from one batch X (SSGR, Section 3.2).

    In X_re each image has random erasing of its own. For X_bce the height is cut into s stripes, s drawn from
    ``stripes``, and one drawn stripe is erased in every image alike. Where H is no multiple of s, stripes
    differ by one row and still cover the picture.

    Args:
        batch: B images that nothing has been erased from; not touched.
        generator: a CPU generator, the only randomness used.
        probability: share of images of X_re that get a rectangle.
        stripes: the numbers of stripes to draw from, none above H.

    Returns:
        2B images, first X_re, then X_bce, each in the order of ``batch``, with labels, camids, indices, masks and
        visibility to match. Erased pixels of masks are 0; visibility shrinks with what is left of each part's mask.

    Raises:
        UserError: a number of stripes below 1 or above the picture's height.
    """
    height, device = batch.images.shape[2], batch.images.device
    if not stripes or min(stripes) < 1 or max(stripes) > height:
        raise UserError(
            f"pictures of {height} rows cannot be cut into {stripes} stripes.", "Give numbers of stripes from 1 to H."
        )
    erased = random_batch_erasing(batch, generator, probability=probability)
    s = stripes[int(torch.randint(len(stripes), (), generator=generator))]
    stripe = int(torch.randint(s, (), generator=generator))
    rows = torch.arange(height, device=device)
    inside = (rows >= stripe * height // s) & (rows < (stripe + 1) * height // s)  # (H,)
    striped = _with_pictures(batch, *erase(batch.images, inside[None, :, None], batch.masks))
    doubled: dict[str, Any] = {}
    for name in (f.name for f in fields(Batch)):
        one, two = getattr(erased, name), getattr(striped, name)
        doubled[name] = None if one is None else torch.cat([one, two])
    return Batch(**doubled)


def _with_pictures(batch: Batch, images: Tensor, masks: Tensor | None) -> Batch:
    """The batch with other pictures; a part's visibility is multiplied by the share of its mask that is left."""
    seen = batch.visibility
    if seen is not None and masks is not None and batch.masks is not None:
        seen = shrunk(seen, *(part_areas(each, seen.shape[1]) for each in (batch.masks, masks)))
    return replace(batch, images=images, masks=masks, visibility=seen)
