"""What a picture's file holds beside the picture: a few tables and notes in honest ones, millions in an attack.

Reading them takes a loop over all, before the first pixel and whatever the picture's size; so they are counted first.
"""

from __future__ import annotations

from occreid.errors import UserError

_MOST_SEGMENTS = 500
_MOST_BYTES = 4 * 2**20
_MOST_SCANS = 100  # of a progressive JPEG: each goes over the whole picture
_PNG = b"\x89PNG\r\n\x1a\n"


class TooLarge(UserError):
    """A picture with more pixels, or more around them, than the service reads."""


def check_header(data: bytes) -> None:
    """Nothing, if what stands before the picture is soon read.

    Raises:
        TooLarge: a JPEG or PNG with too many segments, bytes of segments, or scans.
    """
    if data.startswith(b"\xff\xd8"):
        scans = data.count(b"\xff\xda")  # within a scan no such bytes occur
        if scans > _MOST_SCANS:
            raise TooLarge(f"the JPEG has {scans:,} scans.", "Save it again.")
        _check(*_jpeg_segments(data))
    elif data.startswith(_PNG):
        _check(*_png_chunks(data))


def _check(segments: int, size: int) -> None:
    if segments > _MOST_SEGMENTS or size > _MOST_BYTES:
        raise TooLarge(
            f"the picture's header has {segments:,} segments or more, and {size:,} bytes.",
            "Save it again without notes.",
        )


def _jpeg_segments(data: bytes) -> tuple[int, int]:
    """Segments before the first scan (fill bytes count), counted until they are too many, and their bytes."""
    count, position = 0, 2
    while count <= _MOST_SEGMENTS and position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xDA:
            break
        count += 1
        position += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
    return count, min(position, len(data))


def _png_chunks(data: bytes) -> tuple[int, int]:
    """Chunks that are not the picture's own data, counted until they are too many, and their bytes."""
    count, size, position = 0, 0, len(_PNG)
    while count <= _MOST_SEGMENTS and position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] != b"IDAT":
            count, size = count + 1, size + min(length, len(data))
        position += 12 + length
    return count, size
