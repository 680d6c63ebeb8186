"""Where in a scene a person was seen, as one line of text that can be followed back to the pixels.

The text is a W3C media fragment: ``door.mp4#t=12.000&xywh=40,60,50,120`` of a video, ``hall.png#xywh=10,5,20,40`` of a
picture; boxes are in pixels, and a tracker's path follows as ``&track=7``.

Letters: H × W pixels of the scene, h × w of the box.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import cv2
import numpy as np

from occreid.data.images import Pixels, read_image
from occreid.data.video import frame_at, is_stream
from occreid.errors import UserError

Colour = tuple[int, int, int]
_TEXT = re.compile(
    r"(?P<source>.+)#(?:t=(?P<seconds>\d+(?:\.\d+)?)&)?xywh=(?P<box>-?\d+,-?\d+,\d+,\d+)"
    r"(?:&track=(?P<track>[^&#]+))?"
)
_WHOLE = 480  # pixels of the longer side of a scene that is shown as evidence


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person in one scene.

    Attributes:
        source: the picture's or video's path, or a camera's address.
        seconds: since the beginning of a video; None of a picture.
        box: left, top, width and height in pixels.
        track: what the person's path in this source is called, where somebody followed it.
    """

    source: str
    seconds: float | None
    box: tuple[int, int, int, int]
    track: str | None = None

    def __str__(self) -> str:
        moment = "" if self.seconds is None else f"t={self.seconds:.3f}&"
        path = "" if self.track is None else f"&track={quote(self.track, safe='')}"
        return f"{self.source}#{moment}xywh={','.join(map(str, self.box))}{path}"

    @property
    def can_be_seen_again(self) -> bool:
        """Whether the scene still lies where it lay; what a camera on the network sent is gone."""
        return not is_stream(self.source) and Path(self.source).is_file()

    def scene(self) -> Pixels:
        """The whole scene, (H, W, 3) uint8 RGB.

        Raises:
            UserError: it cannot be read, or is too small for the box: it is another by now.
        """
        pixels = read_image(self.source) if self.seconds is None else frame_at(self.source, self.seconds)
        left, top, width, height = self.box
        inside = 0 <= left < left + width <= pixels.shape[1] and 0 <= top < top + height <= pixels.shape[0]
        if not inside:
            raise UserError(
                f"{self.source} is {pixels.shape[1]} × {pixels.shape[0]} pixels and does not hold the box {self.box}.",
                "Is it the scene that the entry came from?",
            )
        return pixels


def sighting_in(text: str) -> Sighting | None:
    """The sighting that a text names; None where it is a plain path.

    >>> sighting_in("a#b.mp4#t=1.500&xywh=4,6,5,12")
    Sighting(source='a#b.mp4', seconds=1.5, box=(4, 6, 5, 12), track=None)
    >>> sighting_in("crops/7.jpg") is None
    True
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    left, top, width, height = map(int, match["box"].split(","))
    seconds = None if match["seconds"] is None else float(match["seconds"])
    track = None if match["track"] is None else unquote(match["track"])
    return Sighting(match["source"], seconds, (left, top, width, height), track)


def with_box(scene: Pixels, box: tuple[int, int, int, int], colour: Colour) -> Pixels:
    """The whole scene with a box around the person, made smaller: evidence that somebody can look at."""
    whole = scene.copy()
    left, top, width, height = box
    cv2.rectangle(whole, (left, top), (left + width, top + height), colour, max(2, max(whole.shape) // 300))
    scale = min(1.0, _WHOLE / max(whole.shape[:2]))
    size = (max(1, round(whole.shape[1] * scale)), max(1, round(whole.shape[0] * scale)))
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def on_paper(pixels: Pixels, height: int, width: int) -> Pixels:
    """A picture on white paper of this size, in its own proportions, so that nobody is stretched."""
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    h, w = max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale))
    paper = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    paper[top : top + h, left : left + w] = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA)
    return paper


def in_words(source: str, seconds: float | None, timestamp: float | None, track: str | None = None) -> str:
    """When and where, for people.

    >>> in_words("cams/door.mp4", 12.0, 1772352012.0, "7")
    '2026-03-01 08:00:12 12.0 s door.mp4 track 7'
    """
    moment = "" if timestamp is None else f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} "
    since = "" if seconds is None else f"{seconds:.1f} s "
    return f"{moment}{since}{Path(source).name}{'' if track is None else f' track {track}'}"
