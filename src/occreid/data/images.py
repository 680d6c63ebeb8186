"""Reading a picture: any file a benchmark may hold becomes (H, W, 3) uint8 RGB, or a sentence saying why not.

Ordinary 8-bit JPEG and PNG go to OpenCV (libjpeg-turbo, libpng); everything else, and every file whose end
looks wrong, goes to Pillow, which refuses what is cut short.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from occreid.errors import UserError, reason, worded

Pixels = NDArray[np.uint8]

MEAN_PIXEL = (124, 116, 104)
"""ImageNet's mean RGB in 0…255: what stands where there is no picture (transparency, erased rectangles)."""

_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG markers that carry the picture's size
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_COPY = "Copy the image again, or remove it from the set."
_ORIENTATION = 0x112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GREY_BITS = {2: 85, 4: 17}  # bits of a grey PNG's sample → what Pillow multiplies it by, but not the colour key


def read_image(path: str | Path, at_least: tuple[int, int] | None = None) -> Pixels:
    """Read an image file as RGB.

    Grey, palette, CMYK and 1-bit pictures become RGB; 16-bit grey is scaled from 0…65535 to 0…255; transparent
    pixels are laid over `MEAN_PIXEL`; the EXIF orientation is applied where it can be read, and no other fault of the
    EXIF block spoils a sound picture; of several frames the first is read.
    The format is told by the content (JPEG, PNG, TIFF, BMP, WebP), not by the file's name.

    Args:
        path: the file.
        at_least: (height, width) that will do. A JPEG of at least twice that size in both directions is then
            decoded at 1/2, 1/4 or 1/8 of it, never below ``at_least``: much faster, slightly other pixels.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UserError: the file is missing, empty, no picture, cut short, or of an undefined value range.
    """
    return decode_image(read_bytes(path), path, at_least)


def decode_image(data: bytes, name: str | Path, at_least: tuple[int, int] | None = None) -> Pixels:
    """`read_image` of bytes at hand; ``name`` only says in an error what they are.

    Raises:
        UserError: no picture, cut short, or of an undefined value range.
    """
    flag = _fast_flag(data, at_least)
    pixels = _decode_opencv(data, flag) if flag is not None else None
    return pixels if pixels is not None else _decode_pillow(data, name)


def read_bytes(path: str | Path) -> bytes:
    """The content of a file.

    Raises:
        UserError: the file is missing, unreadable or empty.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise _unreadable(path, error) from error
    if not data:
        raise UserError(f"{path} is empty (0 bytes).", _COPY)
    return data


def _unreadable(path: str | Path, error: Exception) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(
            f"no image {path}.", "Check the path; what a benchmark misses is listed by: occreid data verify"
        )
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path} is a folder.", "Give the pictures in it.")
    return UserError(f"cannot read {path}: {reason(error)}.", "Check the file and its permissions.")


def open_pillow(data: bytes, path: str | Path) -> Image.Image:
    """Decode with Pillow, fully and strictly; ``path`` only names the file in an error.

    Raises:
        UserError: no picture of a known format, or a damaged one.
    """
    if data.startswith(_PNG) and _PNG_END not in data:
        raise _damaged(path, "the end of the PNG is missing")  # Pillow would not miss it
    try:
        image = _header(io.BytesIO(data), path)
    except UserError as error:
        if not data.startswith(b"\xff\xd8"):
            raise
        try:  # Pillow reads the resolution in a JPEG's EXIF, and gives up over a damaged one
            image = _header(io.BytesIO(_without_exif(data)), path)
        except UserError:
            raise error from error.__cause__
    with worded(f"{path} is damaged or cut short", _COPY):
        image.load()
    return image


def image_size(path: str | Path) -> tuple[int, int]:
    """Width and height in pixels as stored, from the file's header.

    Raises:
        UserError: the file is missing or no image.
    """
    try:
        with Path(path).open("rb") as file:
            return _header(file, path).size
    except OSError as error:
        raise _unreadable(path, error) from error


def turned(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says; as it is where there is none that can be read.

    A damaged EXIF does not make a sound picture unusable: it says nothing of how the picture stands.
    """
    try:
        with worded("the EXIF is damaged"):
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except UserError:
        turn = None
    return image if turn is None else image.transpose(turn)


def _header(file: IO[bytes], path: str | Path) -> Image.Image:
    with worded(f"{path} is damaged or cut short", _COPY):
        try:
            return Image.open(file, formats=_FORMATS)
        except Image.UnidentifiedImageError as error:
            file.seek(0)
            raise UserError(
                f"{path} is not a JPEG, PNG, TIFF, BMP or WebP image (it begins with {file.read(8)!r}).",
                "Convert it, or remove it from the set.",
            ) from error


def _damaged(path: str | Path, why: object) -> UserError:
    return UserError(f"{path} is damaged or cut short ({why}).", _COPY)


def _fast_flag(data: bytes, at_least: tuple[int, int] | None) -> int | None:
    """How OpenCV should decode this file, or None where only Pillow is trusted to."""
    if data.startswith(b"\xff\xd8"):
        frame = _jpeg_frame(data)
        # A file that does not end in the end-of-image marker may be cut short; OpenCV's builds differ on
        # whether they then return half a picture, Pillow always refuses.
        if frame is None or not data.endswith(b"\xff\xd9"):
            return None
        bits, height, width, channels = frame
        if bits != 8 or channels not in (1, 3):
            return None
        return cv2.IMREAD_COLOR if at_least is None else _reduced_flag(height, width, at_least, b"Exif\0" in data)
    if data.startswith(_PNG) and data.endswith(_PNG_END):
        plain = len(data) > 25 and data[24] == 8 and data[25] in (0, 2)
        return cv2.IMREAD_COLOR if plain and not {b"tRNS", b"eXIf"} & _png_chunks(data) else None
    return None


def _png_chunks(data: bytes) -> set[bytes]:
    """Kinds of the chunks of a PNG."""
    found, position = set[bytes](), len(_PNG)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, position)
        found.add(kind)
        position += length + 12
    return found


def _jpeg_frame(data: bytes) -> tuple[int, int, int, int] | None:
    """Bits per sample, height, width and channels from a JPEG's frame header; None where there is none."""
    position = 2
    while position + 10 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _FRAMES:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, position + 4)
            return bits, height, width, channels
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _without_exif(data: bytes) -> bytes:
    """A JPEG without its blocks of metadata."""
    kept, position = [data[:2]], 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] not in (0xDA, 0xFF):
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xE1:
            kept.append(data[position:end])
        position = end
    return b"".join((*kept, data[position:]))


def _reduced_flag(height: int, width: int, at_least: tuple[int, int], may_turn: bool) -> int:
    factor = min(height // at_least[0], width // at_least[1])
    if may_turn:  # an EXIF orientation may swap the sides after decoding
        factor = min(factor, height // at_least[1], width // at_least[0])
    for divisor, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if factor >= divisor:
            return flag
    return cv2.IMREAD_COLOR


def _decode_opencv(data: bytes, flag: int) -> Pixels | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:  # e.g. more pixels than OpenCV allows: Pillow says it in words
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)  # type: ignore[return-value]


def _decode_pillow(data: bytes, path: str | Path) -> Pixels:
    image = open_pillow(data, path)
    if "transparency" in image.info:
        image.info["transparency"] = _colour_key(data, image.info["transparency"])
    return from_pillow(image, path)


def from_pillow(image: Image.Image, path: str | Path) -> Pixels:
    """`read_image` of what Pillow has opened; ``path`` only says in an error what it is.

    Raises:
        UserError: an undefined value range.
    """
    image = turned(image)
    with worded(f"{path} cannot be converted to RGB", "Save it as 8-bit RGB."):
        if image.mode.startswith("I"):
            return _from_16_bit(np.asarray(image), image.info.get("transparency"), path)
        if image.mode == "F":
            raise UserError(f"{path} holds floating-point pixels, whose range is not defined.", "Save it as 8-bit RGB.")
        if image.has_transparency_data:
            rgba = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, (*MEAN_PIXEL, 255)), rgba)
        return np.array(image.convert("RGB"))


def _colour_key(data: bytes, key: object) -> object:
    """A PNG's transparent colour in 0…255: Pillow scales the pixels to that, but not the colour."""
    if not data.startswith(_PNG):
        return key
    bits = data[24]
    if isinstance(key, int) and data[25] == 0:
        return key * _GREY_BITS.get(bits, 1)
    if isinstance(key, tuple) and bits == 16:
        return tuple(value >> 8 for value in key)
    return key


def _from_16_bit(grey: NDArray[np.integer], key: object, path: str | Path) -> Pixels:
    """Grey of 0…65535 → RGB; where it is the colour ``key``, it is transparent."""
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 65535:
        raise UserError(f"{path} holds 32-bit pixels ({low}…{high}), more than 16-bit grey.", "Save it as 8-bit RGB.")
    eight = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 → 255, rounded
    rgb = np.repeat(eight[:, :, None], 3, axis=2)
    if isinstance(key, int):
        rgb[grey == key] = MEAN_PIXEL
    return rgb
