"""Where persons are in a picture that somebody uploads: boxes to choose from on the page."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from occreid.data.images import Pixels
from occreid.scenes.boxes import Box
from occreid.scenes.detectors import Detector
from occreid.scenes.frames import Frame
from occreid.serve import schemas
from occreid.serve.batching import Batcher, result_of
from occreid.serve.limits import Busy

_MOST = 100  # boxes of an answer
_WHY = "detector"  # the word that the metrics count under
_RETRY = 2.0  # seconds
_SMALLEST = 16  # pixels of height: less shows nobody


class Proposer:
    """A detector for strangers' pictures, one after the other in a thread of its own; safe to use from threads.

    Few pictures wait for it, so that a slow detector takes neither the threads nor the places of other requests.

    Args:
        detector: see `occreid.scenes.open_boxes`.
        least: score below which a box is left out, in [0, 1].
        waiting: pictures that wait at most; of these, one key's are half.
        seconds: what a picture may take, waiting included.
    """

    def __init__(self, detector: Detector, least: float = 0.5, *, waiting: int = 8, seconds: float = 60.0) -> None:
        self._detector, self._least, self._seconds = detector, least, seconds
        self._share = max(1, waiting // 2)
        self._inside: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._batcher: Batcher[Callable[[], Pixels], list[Box]] = Batcher(
            lambda pictures: [self._look(decoded) for decoded in pictures], max_batch=1, max_queue=waiting, why=_WHY
        )

    def __call__(self, key: str, decoded: Callable[[], Pixels]) -> schemas.Proposed:
        """Boxes of a picture, the surest first.

        Args:
            key: whose picture it is.
            decoded: gives (H, W, 3) pixels; called when it is this picture's turn, so that few are held at once.

        Raises:
            Busy: too many pictures wait, or too many of this key's.
            TimeoutError: the detector did not come to it, or to an end, in time.
            UserError: no picture, or the detector returns rubbish.
        """
        with self._place(key):
            found = result_of(self._batcher.submit(decoded), self._seconds)
        chosen = [box for box in found if box.score >= self._least and box.height >= _SMALLEST]
        return schemas.Proposed(boxes=[_out(box) for box in sorted(chosen, key=lambda box: -box.score)[:_MOST]])

    def __len__(self) -> int:
        """Pictures waiting."""
        return len(self._batcher)

    def close(self) -> None:
        """Finish what is queued, then stop."""
        self._batcher.close()

    def _look(self, decoded: Callable[[], Pixels]) -> list[Box]:
        return self._detector(Frame("the picture", 0, decoded()))

    @contextmanager
    def _place(self, key: str) -> Iterator[None]:
        with self._lock:
            if self._inside[key] >= self._share:
                raise Busy(_WHY, _RETRY)
            self._inside[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[key] -= 1
                self._inside += Counter()  # lets go of the zeros


def _out(box: Box) -> schemas.ProposedBox:
    return schemas.ProposedBox(x=box.x, y=box.y, width=box.width, height=box.height, score=box.score)
