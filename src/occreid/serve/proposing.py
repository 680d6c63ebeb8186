"""Where persons are in a picture that somebody uploads: boxes to choose from on the page."""

from __future__ import annotations

import threading
from collections.abc import Callable

from occreid.data.images import Pixels
from occreid.scenes.boxes import Box
from occreid.scenes.detectors import Detector
from occreid.scenes.frames import Frame
from occreid.serve import schemas

_MOST = 100  # boxes of an answer
_SMALLEST = 16  # pixels of height: less shows nobody


class Proposer:
    """A detector for strangers' pictures, one at a time; safe to use from threads.

    Args:
        detector: see `occreid.scenes.open_boxes`.
        least: score below which a box is left out, in [0, 1].
    """

    def __init__(self, detector: Detector, least: float = 0.5) -> None:
        self._detector, self._least = detector, least
        self._lock = threading.Lock()

    def __call__(self, decoded: Callable[[], Pixels]) -> schemas.Proposed:
        """Boxes of a picture, the surest first.

        Args:
            decoded: gives (H, W, 3) pixels; called when it is this picture's turn, so that few are held at once.

        Raises:
            UserError: no picture, or the detector returns rubbish.
        """
        with self._lock:
            found = self._detector(Frame("the picture", 0, decoded()))
        chosen = [box for box in found if box.score >= self._least and box.height >= _SMALLEST]
        return schemas.Proposed(boxes=[_out(box) for box in sorted(chosen, key=lambda box: -box.score)[:_MOST]])


def _out(box: Box) -> schemas.ProposedBox:
    return schemas.ProposedBox(x=box.x, y=box.y, width=box.width, height=box.height, score=box.score)
