"""Pictures from strangers: measured before they are decoded, cut to the person, and kept without what they carried.

Letters: H × W pixels.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from occreid.data.images import Pixels, decode_image
from occreid.errors import UserError, worded
from occreid.serve.headers import TooLarge, check_header

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # no TIFF: its tiles and codecs are more than strangers need
_SMALLEST = 8  # pixels of a side: less shows nobody
_BOX = re.compile(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a picture in pixels, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def parse_box(text: str | None) -> Box | None:
    """``"x,y,width,height"`` as a box; None and the empty text mean the whole picture.

    >>> parse_box("10,20,64,128")
    Box(x=10, y=20, width=64, height=128)

    Raises:
        UserError: anything else.
    """
    if text is None or not text.strip():
        return None
    found = _BOX.fullmatch(text)
    if not found:
        raise UserError(f"'{text[:60]}' is not a box.", "Give x,y,width,height in whole pixels, e.g. 10,20,64,128.")
    return Box(*(int(number) for number in found.groups()))


def decode(
    data: bytes, *, max_pixels: int, max_side: int = 10_000, max_proportion: float = 10.0, box: Box | None = None
) -> Pixels:
    """A picture of unknown origin as RGB.

    Args:
        data: the file's bytes.
        max_pixels: a picture that says it has more is refused before anything is decoded.
        max_side: the same for its longer side.
        max_proportion: longer side over shorter, of the picture and of the box: beyond it nobody is shown, and
            whatever is scaled becomes huge.
        box: what to cut out; left out, all.

    Returns:
        (H, W, 3) uint8.

    Raises:
        TooLarge: more than ``max_pixels`` or ``max_side``, or a header that would take long to read.
        UserError: no picture, a damaged one, or a box outside of it.
    """
    if not data:
        raise UserError("the picture is empty (0 bytes).", "Send a JPEG, PNG, WebP or BMP file.")
    check_header(data)
    width, height = _measure(data)
    if max(width, height) > max_side:
        raise TooLarge(f"the picture has {width} × {height} pixels; a side has at most {max_side:,}.", "Scale it down.")
    _check_proportion("picture", width, height, max_proportion)
    if box is not None:
        _check_proportion("box", box.width, box.height, max_proportion)
    if width * height > max_pixels:
        raise TooLarge(
            f"the picture has {width} × {height} pixels; this service decodes at most {max_pixels:,}.",
            "Scale it down, or send the part that shows the person.",
        )
    pixels = decode_image(data, "the picture")
    return pixels if box is None else cut(pixels, box)


def _check_proportion(what: str, width: int, height: int, most: float) -> None:
    if max(width, height) > most * min(width, height) > 0:
        raise UserError(
            f"the {what} of {width} × {height} pixels is more than {most:g} times as long as it is wide.",
            "Send the part that shows the person.",
        )


def cut(pixels: Pixels, box: Box) -> Pixels:
    """The part of a picture inside a box.

    Raises:
        UserError: the box reaches outside the picture or is too small to show anybody.
    """
    height, width = pixels.shape[:2]
    if box.x + box.width > width or box.y + box.height > height:
        raise UserError(
            f"the box {box.x},{box.y},{box.width},{box.height} is not inside the picture of {width} × {height} pixels.",
            "Give x,y,width,height inside it.",
        )
    if min(box.width, box.height) < _SMALLEST:
        raise UserError(
            f"the box is {box.width} × {box.height} pixels.", f"Give one of at least {_SMALLEST} pixels each way."
        )
    return np.ascontiguousarray(pixels[box.y : box.y + box.height, box.x : box.x + box.width])


def data_address(data: bytes, kind: str = "jpeg") -> str:
    """Bytes of a picture as a ``data:`` address."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def content_id(pixels: Pixels, *facts: object) -> str:
    """Id of a crop: the same pixels with the same facts (camera, time) have the same id, whatever file they came in."""
    head = repr((pixels.shape, *facts)).encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:32]


def _measure(data: bytes) -> tuple[int, int]:
    """Width and height a file claims, from its header alone."""
    with worded("the picture's header is damaged", "Save it again as JPEG or PNG."):
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return image.size
        except Image.UnidentifiedImageError as error:
            raise UserError("this is no JPEG, PNG, WebP or BMP picture.", "Send one of these.") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise TooLarge(f"the picture has too many pixels ({error}).", "Scale it down.") from error
