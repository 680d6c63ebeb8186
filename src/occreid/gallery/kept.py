"""The picture a gallery keeps of an entry: small, a JPEG, and without anything the original file carried.

Letters: H × W pixels.
"""

from __future__ import annotations

import cv2

from occreid.data.images import Pixels, decode_image
from occreid.data.loading.transforms import resize

HEIGHT = 256
"""Pixels a kept picture is high at most."""
_QUALITY = 90
_WIDEST = 4  # times its height
_LARGE = 2**19  # bytes beyond which a picture is none that was made here
_PLAIN = frozenset({0xE0, 0xDB, 0xC4, 0xDD, 0xC0, 0xC1, 0xC2, 0xDA})  # JFIF head, tables, frame, scan: no metadata


def kept_picture(pixels: Pixels, *, height: int = HEIGHT) -> bytes:
    """A JPEG of (H, W, 3) pixels, at most ``height`` pixels high and four times as wide."""
    return encode(shrink(pixels, height), ".jpg")


def shrink(pixels: Pixels, height: int) -> Pixels:
    """(H, W, 3) pixels scaled down to at most ``height`` high and four times as wide, in their proportions."""
    own, width = pixels.shape[:2]
    scale = min(1.0, height / own, _WIDEST * height / width)
    return pixels if scale == 1 else resize(pixels, max(1, round(own * scale)), max(1, round(width * scale)))


def encode(pixels: Pixels, kind: str) -> bytes:
    """RGB pixels as the bytes of a ``".jpg"`` or ``".png"`` file."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if kind == ".jpg" else []
    written, data = cv2.imencode(kind, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not written:
        raise RuntimeError(f"OpenCV did not write a {kind}")
    return data.tobytes()


def plain_jpeg(data: bytes, name: str) -> bytes:
    """A kept picture as a JPEG without metadata: as it is if it is one, else encoded anew.

    Entries of earlier versions, and those of a program that adds its own, hold whatever file they were made of.

    Args:
        data: the picture an entry holds.
        name: what an error calls it.

    Raises:
        UserError: it is no picture.
    """
    return data if len(data) <= _LARGE and _is_plain(data) else kept_picture(decode_image(data, name))


def _is_plain(data: bytes) -> bool:
    """Whether a JPEG holds nothing but the picture: neither EXIF, nor profiles, nor comments."""
    if not data.startswith(b"\xff\xd8"):
        return False
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] in _PLAIN:
        if data[position + 1] == 0xDA:
            return data.endswith(b"\xff\xd9")
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False
