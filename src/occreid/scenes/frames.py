"""Scenes one after the other: pictures, folders of them, video files and cameras on the network.

Letters: H × W pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from occreid.data.images import Pixels, read_image
from occreid.data.video import is_stream, opened, without_login
from occreid.data.walk import IMAGE_SUFFIXES, images_under
from occreid.errors import UserError


@dataclass(frozen=True, slots=True)
class Frame:
    """One scene.

    Attributes:
        source: the file or address it comes from, an address without name and password.
        number: its place in a video from 0; 0 of a picture.
        pixels: (H, W, 3) uint8 RGB.
        seconds: since the beginning of a video; None of a picture.
        timestamp: Unix seconds, where the beginning of the video is known.
    """

    source: str
    number: int
    pixels: Pixels
    seconds: float | None = None
    timestamp: float | None = None

    @property
    def name(self) -> str:
        """Words that tell this frame from all others."""
        return self.source if self.seconds is None else f"{self.source} at {self.seconds:.2f} s"


def frames_of(
    sources: Sequence[str | Path], *, every: float = 1.0, start: float | None = None, most: int | None = None
) -> Iterator[Frame]:
    """The scenes of pictures, folders, video files and network cameras, read as they are asked for.

    Args:
        sources: paths or addresses (``rtsp://…``).
        every: seconds between two frames that are taken of a video; 0 takes all.
        start: Unix seconds at which each video begins.
        most: frames taken of each video; None takes all, a network camera goes on until it ends.

    Raises:
        UserError: nothing there, or nothing that can be read as picture or video.
    """
    if not (math.isfinite(every) and every >= 0):
        raise UserError(f"a frame every {every} seconds is impossible.", "Give 0 or more.")
    for source in sources:
        text, path = str(source), Path(source)
        if is_stream(text):
            yield from _video(text, every, start, most)
        elif os.path.isdir(path):  # False for names too long to exist, too
            for file in images_under(path):
                yield Frame(str(file), 0, read_image(file))
        elif not os.path.isfile(path):
            raise UserError(f"there is no scene '{text}'.", "Give a picture, a folder of pictures, a video or rtsp://…")
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            yield Frame(text, 0, read_image(path))
        else:
            yield from _video(text, every, start, most)


def _video(address: str, every: float, start: float | None, most: int | None) -> Iterator[Frame]:
    source = without_login(address)  # what is said, and kept in tables and galleries
    with opened(address) as capture:
        rate = capture.get(cv2.CAP_PROP_FPS)
        if every and not (math.isfinite(rate) and rate > 0):
            raise UserError(f"{source} does not say how many frames it has a second.", "Take all: --every 0")
        number, taken, due = 0, 0, 0.0
        while capture.grab() and (most is None or taken < most):
            seconds = number / rate if rate > 0 else float(number)
            if seconds + 1e-6 >= due:
                whole, pixels = capture.retrieve()
                if not whole:
                    break
                moment = None if start is None else start + seconds
                yield Frame(source, number, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), seconds, moment)  # type: ignore[arg-type]
                taken += 1
                due += every
            number += 1
    if not number:
        raise UserError(f"{source} holds no frame that can be read.", "Give an undamaged video.")
