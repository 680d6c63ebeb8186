"""Opening video files and cameras on the network, and single frames of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

from occreid.data.images import Pixels
from occreid.errors import UserError

_STREAM = re.compile(r"(rtsps?|https?|udp|rtmp)://")


def is_stream(source: str) -> bool:
    """Whether this is a network address; what came from one is gone."""
    return _STREAM.match(source) is not None


def without_login(address: str) -> str:
    """An address without the name and password that may stand in it; anything else as it is.

    >>> without_login("rtsp://anna:secr@t@10.0.0.5:554/door?to=a@b"), without_login("a@b.mp4")
    ('rtsp://10.0.0.5:554/door?to=a@b', 'a@b.mp4')
    """
    return re.sub(rf"^({_STREAM.pattern})[^/?#]*@", r"\1", address)


@contextmanager
def opened(source: str) -> Iterator[Any]:
    """A video as OpenCV's capture, let go of at the end.

    Raises:
        UserError: nothing comes from there.
    """
    capture = cv2.VideoCapture(source)
    try:
        if not capture.isOpened() and is_stream(source):
            raise UserError(
                f"no video comes from {without_login(source)}.",
                "Is the camera on, and its address with name and word right?",
            )
        if not capture.isOpened():
            raise UserError(f"{source} is no picture and no video that OpenCV can read.", "Convert it to MP4 or JPEG.")
        yield capture
    finally:
        capture.release()


def frame_at(source: str, seconds: float) -> Pixels:
    """The frame of a video file that `occreid.scenes.frames` took at this second, (H, W, 3) uint8 RGB.

    Raises:
        UserError: no such video, or it is shorter.
    """
    with opened(source) as capture:
        rate = capture.get(cv2.CAP_PROP_FPS)
        number = round(seconds * rate) if rate > 0 else round(seconds)
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        if round(capture.get(cv2.CAP_PROP_POS_FRAMES)) != number:  # this file cannot be wound: from its beginning
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            for _ in range(number):
                capture.grab()
        whole, pixels = capture.read()
    if not whole:
        raise UserError(f"{source} has no frame at {seconds:.3f} s.", "Is it the video that the entry came from?")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]  # uint8 as it came
