"""Pictures as people hold them, and the (3, H, W) uint8 tensors that a model describes.

Every way leads through the reading and resizing of an evaluation, so that a picture has one descriptor whoever asks.

Letters: B images, h × w pixels of a picture as it comes, H × W pixels that a model takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from occreid.data.images import Pixels, from_pillow, read_image
from occreid.data.loading.transforms import EvalTransform
from occreid.errors import UserError

Picture = str | Path | Image.Image | NDArray[np.uint8] | Tensor
"""A file, a Pillow picture, an (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) uint8 array, or a (3, h, w) tensor."""
Pictures = Picture | Iterable[Picture]
"""One picture, an array or tensor of several, or anything that yields them."""

_SLACK = 1e-3  # what rounding may add to a value in [0, 1]


def batches(
    pictures: Pictures, size: tuple[int, int], batch_size: int, *, bgr: bool = False
) -> Iterator[tuple[Tensor, list[str]]]:
    """Pictures of any kind, resized as in an evaluation, a batch at a time; an iterator is never held whole.

    Args:
        pictures: see `Pictures`.
        size: (H, W).
        batch_size: B, at least 1.
        bgr: whether the colours of arrays and tensors come in OpenCV's order; files know their own.

    Yields:
        ``(images, names)``: (B, 3, H, W) uint8, on the device of tensors that needed no resizing, else on the CPU;
        the files' names, ``""`` for what is no file.

    Raises:
        UserError: no picture, or one that cannot be read or is of another shape, type or range, naming it.
    """
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise UserError(f"a batch of {batch_size!r} pictures is impossible.", "Give a batch_size of 1 or more.")
    numbered = enumerate(_singles(pictures))
    while piece := list(islice(numbered, batch_size)):
        images = [prepare(one, size, bgr=bgr, name=f"picture {number}") for number, one in piece]
        device = images[0].device
        yield (
            torch.stack([image.to(device) for image in images]),
            [str(one) if isinstance(one, str | Path) else "" for _, one in piece],
        )


def prepare(picture: Picture, size: tuple[int, int], *, bgr: bool = False, name: str = "the picture") -> Tensor:
    """One picture as a (3, H, W) uint8 tensor; see `batches`, ``name`` says in an error which it is.

    >>> prepare(np.zeros((100, 40), np.uint8), (64, 32)).shape
    torch.Size([3, 64, 32])
    """
    if isinstance(picture, Tensor):
        planes = _planes(picture, name)
        if tuple(planes.shape) == (3, *size):
            return planes.flip(0) if bgr else planes
        picture = planes.movedim(0, 2).cpu().numpy()
    return EvalTransform(*size)(pixels_of(picture, bgr=bgr, name=name, at_least=size))[0]


def pixels_of(
    picture: str | Path | Image.Image | NDArray[np.uint8],
    *,
    bgr: bool,
    name: str,
    at_least: tuple[int, int] | None = None,
) -> Pixels:
    """A file, Pillow picture or array as (h, w, 3) uint8 RGB, as `occreid.data.images.read_image` gives it.

    Files are read with ``at_least`` as an evaluation and a gallery's enrolment read them.
    """
    if isinstance(picture, str | Path):
        if picture == "":
            raise UserError(f"the path of {name} is empty.", "Give the file's.")
        if os.path.isdir(picture):  # False for names too long to exist, too
            raise UserError(
                f"{picture} is a folder.", "Give the pictures in it, or search it with occreid.search(query, folder)."
            )
        return read_image(picture, at_least)
    if isinstance(picture, Image.Image):
        return from_pillow(picture, name)
    if picture.dtype != np.uint8:
        raise UserError(
            f"{name} is an array of {picture.dtype}.", "Give 8-bit values: (255 * array).astype(np.uint8) of [0, 1]."
        )
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or 0 in picture.shape:
        raise UserError(
            f"{name} is an array of shape {picture.shape}.",
            "Give (height, width), or (height, width, channels) of grey, RGB or RGBA.",
        )
    channels = picture.shape[2]
    if channels == 1:
        return np.repeat(picture, 3, axis=2)
    if bgr:
        picture = picture[:, :, [2, 1, 0, 3][:channels]]
    if channels == 4:
        return _opaque(picture)
    return np.ascontiguousarray(picture)


def check_images(images: Tensor, size: tuple[int, int] | None, who: str) -> None:
    """Nothing, if these are what a model describes: (B, 3, H, W), uint8 or floating point in [0, 1].

    Args:
        images: what was handed over.
        size: (H, W); None where any will do.
        who: the model, for the error.

    Raises:
        UserError: another shape, type or range: its descriptors would look right and be wrong.
    """
    shape = tuple(images.shape)
    if images.ndim != 4 or shape[1] != 3 or (size is not None and shape[2:] != size):
        height, width = size or ("H", "W")
        raise UserError(
            f"{who} takes images of shape (B, 3, {height}, {width}), not {shape}.",
            "Give pictures of any size to embed(), which resizes them as an evaluation does.",
        )
    if images.dtype != torch.uint8 and not torch.compiler.is_compiling():
        _check_values(images, who)


def _check_values(values: Tensor, who: str) -> None:
    if not values.is_floating_point():
        raise UserError(f"{who} needs uint8 or floating point, not {values.dtype}.", "Give .to(torch.uint8) of 0…255.")
    if values.numel() == 0:
        return
    low, high = (float(end) for end in values.detach().aminmax())
    if not (low >= -_SLACK and high <= 1 + _SLACK):  # NaN is in no range
        raise UserError(
            f"{who} needs floating-point pixels in [0, 1], not {low:.3g}…{high:.3g}.",
            "Divide 0…255 by 255, and subtract no mean: a model normalises inside itself.",
        )


def _singles(pictures: Pictures) -> Iterator[Picture]:
    """One picture after the other, whatever they came in."""
    if isinstance(pictures, np.ndarray | Tensor):
        yield from pictures if pictures.ndim == 4 else (pictures,)
    elif isinstance(pictures, str | Path | Image.Image):
        yield pictures
    elif isinstance(pictures, Iterable) and not isinstance(pictures, bytes | bytearray | memoryview | Mapping):
        for one in pictures:
            yield from _singles(one)
    else:
        raise UserError(
            f"what is given is no picture, but of the type {type(pictures).__name__}.",
            "Give a path, a Pillow picture, a uint8 array, a tensor, or several of these.",
        )


def _planes(picture: Tensor, name: str) -> Tensor:
    """A tensor as (3, h, w) uint8, on its device."""
    if picture.ndim == 2:
        picture = picture[None]
    if picture.ndim != 3 or picture.shape[0] not in (1, 3, 4) or 0 in picture.shape:
        last = picture.ndim == 3 and picture.shape[2] in (1, 3, 4)
        raise UserError(
            f"{name} is a tensor of shape {tuple(picture.shape)}.",
            "Move its channels to the front: .permute(2, 0, 1)." if last else "Give (3, height, width).",
        )
    if picture.dtype != torch.uint8:
        _check_values(picture, name)
        picture = (picture.detach().float() * 255).round().clamp(0, 255).to(torch.uint8)
    if picture.shape[0] == 4:
        return torch.from_numpy(_opaque(picture.movedim(0, 2).cpu().numpy())).movedim(2, 0).to(picture.device)
    return picture.expand(3, -1, -1)


def _opaque(rgba: Pixels) -> Pixels:
    """(h, w, 4) with its transparent pixels laid over `MEAN_PIXEL`, as a file's are."""
    return from_pillow(Image.fromarray(np.ascontiguousarray(rgba), "RGBA"), "the picture")
