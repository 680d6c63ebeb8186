"""Noise occlusion data augmentation (NODA): a batch is doubled, and foreign things hide people in the second half.

Source: SUReID, Section III-C. All random numbers come from one CPU generator, so that every device changes the
same pixels; everything else happens for the whole batch at once, on its device.

Letters: B images, H × W pixels, N cut-outs, p_h × p_w pixels of a cut-out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from occreid.data.masks.visibility import part_areas, shrunk
from occreid.data.occlusion.erasing import UNIFORMS, erasing_rectangles, random_erasing, rectangle_masks
from occreid.data.occlusion.library import OccluderLibrary, resize_cutout
from occreid.records import Batch

VERTICAL = 2.0
"""A cut-out with p_h / p_w above this stands at a side; any other lies at the top or bottom."""
_LUMA = (0.299, 0.587, 0.114)
_CELLS = 32  # a side of the grid that what a cut-out hides is counted on
_PATCH = (0.02, 0.3)  # smallest and largest share of a picture that a patch covers
_CROP = 0.7  # smallest share of a side that a random crop of a cut-out leaves


def occluder_places(
    uniform: NDArray[np.float64],
    aspects: NDArray[np.float64],
    height: int,
    width: int,
    fills: NDArray[np.float64] | None = None,
) -> NDArray:
    """Where cut-outs go: at a side, or at the top or bottom, so large that they hide a third to half of the picture.

    Args:
        uniform: (B, 2) numbers in [0, 1): size and side.
        aspects: (B,) p_h / p_w of the cut-outs.
        height: H of the picture in pixels.
        width: W of the picture in pixels.
        fills: (B,) share in (0, 1] of its place that each hides; None: all of it. One that hides less takes more
            place, at most the whole picture.

    Returns:
        (B, 4) int64: top, left, height, width.
    """
    upright = aspects > VERTICAL
    whole = np.where(upright, width, height)
    low = np.ceil(whole / 3).astype(np.int64)
    extent = low + (uniform[:, 0] * (np.maximum(whole // 2, low) - low + 1)).astype(np.int64)
    if fills is not None:
        extent = np.minimum(np.rint(extent / fills).astype(np.int64), whole)
    start = np.where(uniform[:, 1] < 0.5, 0, whole - extent)
    zero = np.zeros_like(start)
    tall, wide = np.full_like(start, height), np.full_like(start, width)
    return np.where(
        upright[:, None],
        np.stack([zero, start, tall, extent], axis=1),
        np.stack([start, zero, extent, wide], axis=1),
    )


@dataclass(frozen=True)
class Noda:
    """Doubles a batch: copy 1 with random erasing and random patches, copy 2 with one occluder on every image.

    Resizing, padding, cropping and flipping have happened before (`occreid.data.loading.transforms`), the same for both
    copies; copy 2 is shifted and mirrored once more, so that each has a crop and a flip of its own. Switch the
    transform's own random erasing off.

    Args:
        source: ``"procedural"`` or a folder of cut-outs, read when first needed.
        erase: probability of random erasing in copy 1.
        patch: probability of a random patch in copy 1.
        jitter: strength c of the cut-outs' colour jitter: factors are drawn from [1 − c, 1 + c].
        flip: probability that a cut-out is mirrored.
        shift: copy 2 is moved by up to this share of the picture's height, down and across; black moves in.
        mirror: probability that copy 2 is mirrored.
        shared: how many pictures of copy 2 stand behind the very same cut-out, in the same place, so that who matches
            obstacles is wrong. They are as far apart in the batch as can be: in a P×K batch pictures of different
            persons, as long as ``shared`` is at most P.
    """

    source: str = "procedural"
    erase: float = 0.5
    patch: float = 0.5
    jitter: float = 0.3
    flip: float = 0.5
    shift: float = 0.04
    mirror: float = 0.5
    shared: int = 1

    @cached_property
    def library(self) -> OccluderLibrary:
        """The cut-outs.

        Raises:
            UserError: what `OccluderLibrary.from_folder` raises.
        """
        return OccluderLibrary.open(self.source)

    @cached_property
    def _solid(self) -> NDArray[np.float64]:
        """(N, _CELLS + 1, _CELLS + 1) sums of what the cut-outs hide, from their upper left corners; 1 is all of it."""
        solid = [(cutout[..., 3] > 127).astype(np.float32) for cutout in self.library]
        cells = np.stack([cv2.resize(each, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) for each in solid])
        return np.pad(cells.astype(np.float64).cumsum(1).cumsum(2) / _CELLS**2, ((0, 0), (1, 0), (1, 0)))

    @cached_property
    def _canvases(self) -> dict[tuple[int, int, torch.device], Tensor]:
        return {}

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """(B images) → (2B images); the caller's batch is not touched.

        A hidden pixel becomes 0 in the part masks. Part visibility shrinks with its mask; without masks it would be
        a guess, and is left out.
        """
        images, masks = random_erasing(batch.images, generator, batch.masks, probability=self.erase)
        common = random_patch(images, generator, masks, probability=self.patch)
        moved = shift_and_mirror(batch.images, generator, batch.masks, shift=self.shift, mirror=self.mirror)
        occluded = self.occlude(moved[0], generator, moved[1])
        halves = [_with(batch, *common), _with(batch, *occluded)]
        return Batch(
            images=torch.cat([h.images for h in halves]),
            labels=batch.labels.repeat(2),
            camids=batch.camids.repeat(2),
            indices=batch.indices.repeat(2),
            masks=None if batch.masks is None else torch.cat([h.masks for h in halves if h.masks is not None]),
            visibility=None
            if batch.masks is None or batch.visibility is None
            else torch.cat([h.visibility for h in halves if h.visibility is not None]),
        )

    def occlude(
        self, images: Tensor, generator: torch.Generator, masks: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Hide a third to a half of every image behind a cut-out of the library.

        Args:
            images: (B, 3, H, W) uint8 in 0…255 or floating point in [0, 1], on any device.
            generator: a CPU generator.
            masks: (B, H, W) part masks or None; what is hidden becomes 0.

        Returns:
            New images and new masks.
        """
        batch, _, height, width = images.shape
        uniform = torch.rand(batch, 11, generator=generator, dtype=torch.float64).numpy()
        uniform = uniform[np.arange(batch) % -(-batch // self.shared)]
        chosen = (uniform[:, 0] * len(self.library)).astype(np.int64)
        windows = _crops(uniform[:, 3:7], uniform[:, 7] < self.flip)
        fills = _solid_share(self._solid[chosen], windows)
        places = occluder_places(uniform[:, 1:3], self.library.aspects[chosen], height, width, fills)
        boxes = torch.from_numpy(places).to(images.device)
        canvases = self._canvas(height, width, images.device)[torch.from_numpy(chosen).to(images.device)]
        crops = torch.from_numpy(windows).float().to(images.device)
        factors = torch.from_numpy(1 + self.jitter * (2 * uniform[:, 8:11] - 1)).float().to(images.device)
        cutouts = grid_sample(
            canvases.float() / 255, _grid(boxes, crops, height, width), padding_mode="border", align_corners=False
        )  # (B, 4, H, W), colours multiplied by alpha
        cutouts = cutouts * rectangle_masks(boxes, height, width)[:, None]
        colours, alpha = _jittered(cutouts[:, :3], cutouts[:, 3:], factors), cutouts[:, 3:]
        blended = _blend(images, colours, alpha)
        return blended, None if masks is None else masks.masked_fill(alpha[:, 0] > 0.5, 0)

    def _canvas(self, height: int, width: int, device: torch.device) -> Tensor:
        """All cut-outs stretched over the picture's size, (N, 4, H, W) uint8, made once a size and device."""
        key = (height, width, device)
        if key not in self._canvases:
            stretched = [_stretched(cutout, height, width) for cutout in self.library]
            self._canvases[key] = torch.from_numpy(np.stack(stretched)).to(device)
        return self._canvases[key]


def shift_and_mirror(
    images: Tensor,
    generator: torch.Generator,
    masks: Tensor | None = None,
    *,
    shift: float = 0.04,
    mirror: float = 0.5,
) -> tuple[Tensor, Tensor | None]:
    """Move each image by some pixels, and mirror some.

    Args:
        images: (B, 3, H, W) of any type and device.
        generator: a CPU generator.
        masks: (B, H, W) part masks or None; they go along.
        shift: the largest move down and across, as a share of H.
        mirror: share of images that are mirrored.

    Returns:
        New images and new masks; what moves in is 0.
    """
    batch, _, height, width = images.shape
    uniform = torch.rand(batch, 3, generator=generator)
    reach = round(shift * height)
    down, across = ((uniform[:, :2] * (2 * reach + 1)).long() - reach).unbind(1)
    rows = torch.arange(height) + down[:, None]  # (B, H), where each row comes from
    columns = torch.arange(width) + across[:, None]
    columns = torch.where(uniform[:, 2:] < mirror, columns.flip(1), columns)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    at = [
        torch.arange(batch)[:, None, None],
        rows.clamp(0, height - 1)[:, :, None],
        columns.clamp(0, width - 1)[:, None],
    ]
    picked = [index.to(images.device) for index in at]
    outside = ~inside.to(images.device)
    moved = images.permute(0, 2, 3, 1)[*picked].masked_fill(outside[..., None], 0).permute(0, 3, 1, 2).contiguous()
    return moved, None if masks is None else masks[*picked].masked_fill(outside, 0)


def random_patch(
    images: Tensor,
    generator: torch.Generator,
    masks: Tensor | None = None,
    *,
    probability: float = 0.5,
) -> tuple[Tensor, Tensor | None]:
    """Cover 2 to 30 % of chosen images with a rectangle cut from anywhere in another image of the batch.

    Args:
        images: (B, 3, H, W) of any type and device.
        generator: a CPU generator.
        masks: (B, H, W) part masks or None; what is covered becomes 0.
        probability: share of images that get a patch.

    Returns:
        New images and new masks.
    """
    batch, _, height, width = images.shape
    uniform = torch.rand(batch, UNIFORMS + 3, generator=generator, dtype=torch.float64).numpy()
    boxes = erasing_rectangles(uniform[:, 3:], height, width, probability=probability, area=_PATCH)
    top, left, h, w = boxes.T
    other = (np.arange(batch) + 1 + (uniform[:, 0] * max(batch - 1, 1)).astype(np.int64)) % batch
    down = (uniform[:, 1] * (height - h + 1)).astype(np.int64) - top  # from the place covered to the place cut from
    right = (uniform[:, 2] * (width - w + 1)).astype(np.int64) - left
    rows = np.clip(np.arange(height)[None] + down[:, None], 0, height - 1)  # (B, H)
    columns = np.clip(np.arange(width)[None] + right[:, None], 0, width - 1)  # (B, W)
    place = [torch.from_numpy(part).to(images.device) for part in (other[:, None, None], rows[:, :, None])]
    across = torch.from_numpy(columns[:, None, :]).to(images.device)
    cut = images.permute(0, 2, 3, 1)[place[0], place[1], across].permute(0, 3, 1, 2)  # (B, 3, H, W)
    where = rectangle_masks(torch.from_numpy(boxes).to(images.device), height, width)
    return torch.where(where[:, None], cut, images), None if masks is None else masks.masked_fill(where, 0)


def _with(batch: Batch, images: Tensor, masks: Tensor | None) -> Batch:
    if batch.visibility is None or batch.masks is None or masks is None:
        return replace(batch, images=images, masks=masks, visibility=None)
    areas = (part_areas(each, batch.visibility.shape[1]) for each in (batch.masks, masks))
    return replace(batch, images=images, masks=masks, visibility=shrunk(batch.visibility, *areas))


def _stretched(cutout: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(4, H, W) uint8, colours multiplied by alpha; no finer than it is ever shown, so that sampling cannot alias."""
    upright = cutout.shape[0] / cutout.shape[1] > VERTICAL
    shown = (height, max(width // 2, 1)) if upright else (max(height // 2, 1), width)  # as a full one is shown
    small = resize_cutout(cutout, *shown)
    rows = (np.arange(height) * shown[0]) // height
    columns = (np.arange(width) * shown[1]) // width
    return np.rint(255 * small[rows][:, columns]).astype(np.uint8).transpose(2, 0, 1)


def _crops(uniform: NDArray[np.float64], flipped: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(B, 4): where a cut-out's window starts and how far it reaches, down and across, as shares of its sides."""
    reach = _CROP + (1 - _CROP) * uniform[:, :2]
    start = uniform[:, 2:] * (1 - reach)
    start[:, 1] = np.where(flipped, start[:, 1] + reach[:, 1], start[:, 1])
    across = np.where(flipped, -reach[:, 1], reach[:, 1])  # mirrored: from the right edge to the left
    return np.stack([start[:, 0], reach[:, 0], start[:, 1], across], axis=1)


def _solid_share(sums: NDArray[np.float64], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) what share of its window each cut-out hides, by its sums (B, _CELLS + 1, _CELLS + 1); never 0."""
    top, left = windows[:, 0], np.minimum(windows[:, 2], windows[:, 2] + windows[:, 3])
    high, wide = windows[:, 1], np.abs(windows[:, 3])

    def up_to(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, columns = (np.clip(v * _CELLS, 0, _CELLS) for v in (y, x))
        i, j = (np.minimum(v.astype(np.int64), _CELLS - 1) for v in (rows, columns))
        v, u, every = rows - i, columns - j, np.arange(len(sums))
        upper = (1 - u) * sums[every, i, j] + u * sums[every, i, j + 1]
        lower = (1 - u) * sums[every, i + 1, j] + u * sums[every, i + 1, j + 1]
        return (1 - v) * upper + v * lower

    bottom, right = top + high, left + wide
    hidden = up_to(bottom, right) - up_to(top, right) - up_to(bottom, left) + up_to(top, left)
    return np.clip(hidden / (high * wide), 1 / _CELLS, 1)


def _grid(boxes: Tensor, crops: Tensor, height: int, width: int) -> Tensor:
    """(B, H, W, 2) places in the cut-outs' canvases, x before y, in grid_sample's [−1, 1]."""
    top, left, h, w = boxes.float()[:, :, None].unbind(1)  # (B, 1) each
    down, deep, right, across = crops[:, :, None].unbind(1)
    y = down + deep * (torch.arange(height, device=boxes.device) + 0.5 - top) / h  # (B, H) in [0, 1] inside the box
    x = right + across * (torch.arange(width, device=boxes.device) + 0.5 - left) / w  # (B, W)
    shape = (len(boxes), height, width)
    return 2 * torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1) - 1


def _jittered(colours: Tensor, alpha: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast about mid-grey and saturation of colours that are multiplied by alpha."""
    brightness, contrast, saturation = factors.view(-1, 3, 1, 1, 1).unbind(1)
    colours = colours * brightness * contrast + 0.5 * (1 - contrast) * alpha
    luma = (colours * torch.tensor(_LUMA, device=colours.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return (saturation * colours + (1 - saturation) * luma).clamp_min(0).minimum(alpha)


def _blend(images: Tensor, colours: Tensor, alpha: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return (255 * colours + (1 - alpha) * images).round().clamp(0, 255).to(torch.uint8)
    return (colours + (1 - alpha) * images.float()).to(images.dtype)
