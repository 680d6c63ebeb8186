"""Part masks on disk: 8-bit PNG, 0 = background or occluder, p + 1 = part ``PART_NAMES[p]``.

Letters: H × W pixels, P parts.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels, open_pillow, read_bytes
from occreid.errors import UserError
from occreid.files import write_file
from occreid.records import PART_NAMES

_HEAD = 8 + 25  # bytes of a PNG before its second chunk: signature and IHDR
_KEYWORD = b"occreid made of\0"


def read_mask(path: str | Path, parts: int = len(PART_NAMES)) -> Pixels:
    """Read a part mask.

    A grey PNG's values, a palette picture's indices or a 1-bit picture's bits are taken as they are.

    Args:
        path: the mask file.
        parts: the number of parts P; a pixel is 0…P.

    Returns:
        (H, W) uint8.

    Raises:
        UserError: missing or damaged file, a picture with colours or 16 bits, or a value above ``parts``.
    """
    image = open_pillow(read_bytes(path), path)
    if image.mode not in ("L", "P", "1"):
        raise UserError(
            f"the mask {path} is a picture of mode {image.mode}, not of part numbers.",
            "Save it as an 8-bit grey or palette PNG.",
        )
    mask = np.array(image, dtype=np.uint8)
    _check_values(mask, parts, path)
    return mask


def write_mask(path: str | Path, mask: NDArray[np.integer], parts: int = len(PART_NAMES), *, made_of: str = "") -> None:
    """Write an (H, W) part mask as an 8-bit grey PNG, whole or not at all, making its folder.

    Args:
        path: the file.
        mask: 0…``parts``.
        parts: the number of parts P.
        made_of: kept in the file for `noted_source`: ASCII letters and digits; empty: nothing is noted.

    Raises:
        UserError: not two-dimensional, a value outside 0…``parts``, no ``.png`` name, or the file cannot be written.
    """
    path = Path(path)
    if mask.ndim != 2 or mask.size == 0:
        raise UserError(f"a mask of shape {mask.shape} cannot be written to {path}.", "Give a non-empty (H, W) array.")
    if path.suffix.lower() != ".png":
        raise UserError(
            f"{path} is no name for a mask.", "Give a name ending in .png: other formats blur part numbers."
        )
    _check_values(mask, parts, path)
    _, encoded = cv2.imencode(".png", mask.astype(np.uint8))
    data = encoded.tobytes()
    if made_of:
        data = data[:_HEAD] + _text_chunk(made_of) + data[_HEAD:]
    write_file(path, data, flush=False)  # a flush of each would take longer than to make them again


def noted_source(path: str | Path) -> str | None:
    """What a mask says that it was made of; None: it says nothing.

    Raises:
        UserError: missing or unreadable.
    """
    data, place = read_bytes(path), 8  # behind the signature
    while (kind := data[place + 4 : place + 8]) not in (b"IDAT", b""):
        length = int.from_bytes(data[place : place + 4], "big")
        content = data[place + 8 : place + 8 + length]
        if kind == b"tEXt" and content.startswith(_KEYWORD):
            return content[len(_KEYWORD) :].decode("latin-1")
        place += 12 + length
    return None


def _text_chunk(text: str) -> bytes:
    content = b"tEXt" + _KEYWORD + text.encode("ascii")
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def resize_mask(mask: Pixels, height: int, width: int) -> Pixels:
    """The mask at another size by the nearest pixel, so that no part number is invented between two others."""
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)  # type: ignore[return-value]


def check_aspect(mask: Pixels, image: Pixels, path: str | Path) -> None:
    """Accept a mask of any scale, but not of another shape than its image.

    The sides may differ by the rounding of one pixel of the smaller picture.

    Raises:
        UserError: mask and image cannot show the same picture; ``path`` names the mask.
    """
    (mask_h, mask_w), (image_h, image_w) = mask.shape, image.shape[:2]
    if abs(mask_h * image_w - mask_w * image_h) > max(mask_h, mask_w, image_h, image_w):
        raise UserError(
            f"the mask {path} is {mask_w}×{mask_h} pixels, its image {image_w}×{image_h}: another shape.",
            "Make the mask from this very image.",
        )


def part_pixels(mask: Pixels, parts: int) -> NDArray[np.int64]:
    """Pixels of each part, (P,), of one (H, W) mask."""
    return np.bincount(mask.ravel(), minlength=parts + 1)[1 : parts + 1]


def _check_values(mask: NDArray[np.integer], parts: int, path: str | Path) -> None:
    low, high = int(mask.min()), int(mask.max())
    if low < 0 or high > parts:
        raise UserError(
            f"the mask {path} holds the value {low if low < 0 else high}, but parts are numbered 0…{parts}.",
            f"Use 0 for background and 1…{parts} for {', '.join(PART_NAMES)}."
            if parts == len(PART_NAMES)
            else f"Use 0 for background and 1…{parts} for the parts.",
        )
