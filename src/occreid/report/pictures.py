"""Pictures inside the page: thumbnails as data addresses, and what is words of a record beside them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2

from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.records import PART_NAMES, Record

_QUALITY = 82
THIN = "\N{NARROW NO-BREAK SPACE}"
"""Stands between a number and its unit or between thousands."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image as the page shows it.

    Attributes:
        source: the thumbnail as a ``data:`` address.
        width, height: its size in pixels.
        alt: what a screen reader says.
        pid: the person's name.
        camera: the camera's name; None where it is not known.
        occluded: whether it is known to be occluded.
        state: visible share and occluder in words, empty when there is nothing to say.
        parts: (name, visible share) of each body part, where known.
        file: the file's name, without its folder.
    """

    source: str
    width: int
    height: int
    alt: str
    pid: str
    camera: str | None
    occluded: bool
    state: str
    parts: tuple[tuple[str, float], ...]
    file: str


def thumbnail(path: object, *, height: int = 128) -> tuple[str, int, int]:
    """A picture scaled to a height, as a JPEG data address with its width and height.

    Args:
        path: the image file.
        height: of the thumbnail in pixels; smaller pictures are enlarged, very wide ones cut to twice the height.

    Raises:
        UserError: the image is missing or unreadable; it is named.
    """
    image = read_image(str(path))
    width = max(1, min(2 * height, round(image.shape[1] * height / image.shape[0])))
    way = cv2.INTER_AREA if image.shape[0] >= height else cv2.INTER_CUBIC
    small = cv2.cvtColor(cv2.resize(image, (width, height), interpolation=way), cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not written:
        raise UserError(f"{path} could not be written as a JPEG thumbnail.", "Check the image.")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii"), width, height


def state_of(record: Record) -> str:
    """Visible share and occluder in words; empty when the whole person is seen, or the record does not know.

    >>> from pathlib import Path
    >>> state_of(Record(Path("a.jpg"), 1, 0, occluded=True, occluder_kind="car"))
    'behind a car'
    >>> state_of(Record(Path("a.jpg"), 1, 0, occluded=True))
    'occluded'
    """
    words = []
    share = sum(record.visibility) / len(record.visibility) if record.visibility else 1.0
    if share < 0.995:
        words.append(f"{100 * share:.0f}{THIN}% visible")
    if record.occluder_kind:
        words.append(f"behind {_with_article(record.occluder_kind.replace('_', ' '))}")
    elif record.occluded and not words:
        words.append("occluded")
    return ", ".join(words)


def _with_article(kind: str) -> str:
    plural = kind.endswith("s") and not kind.endswith(("ss", "us"))  # cartons, but a bus
    return kind if plural else f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def picture(record: Record, *, role: str = "image", height: int = 128) -> Picture:
    """A record as the page shows it.

    Args:
        record: the image.
        role: the first words of the alternative text, e.g. ``"query"``.
        height: of the thumbnail in pixels.

    Raises:
        UserError: the image is missing or unreadable; it is named.
    """
    source, width, height = thumbnail(record.path, height=height)
    state = state_of(record)
    camera = record.camera_name
    facts = (f"person {record.person_name}", f"camera {camera}" if camera else "", state)
    alt = f"{role}: {', '.join(fact for fact in facts if fact)}"
    names = [name.replace("_", " ") for name in PART_NAMES]
    parts = tuple(zip(names, record.visibility, strict=True)) if record.visibility is not None else ()
    return Picture(
        source,
        width,
        height,
        alt,
        record.person_name or "",
        camera,
        bool(record.occluded),
        state,
        parts,
        record.path.name,
    )
