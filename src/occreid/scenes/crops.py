"""Persons cut out of scenes, with a table of where and when each was seen."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from occreid.data.images import Pixels
from occreid.errors import UserError
from occreid.files import new_folder, write_file
from occreid.scenes.box_files import BoxFile
from occreid.scenes.boxes import Box
from occreid.scenes.detectors import Detector
from occreid.scenes.frames import Frame
from occreid.scenes.tracks import Joiner

TABLE = "crops.csv"
COLUMNS = (
    *("path", "camera", "timestamp", "source", "frame", "seconds"),
    *("x", "y", "width", "height", "score", "track"),
)
"""Of `TABLE`; a cell is empty where something is not known. Boxes are in pixels of the frame, paths of their source."""
_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Crop:
    """One person in one scene."""

    frame: Frame
    box: Box

    @property
    def pixels(self) -> Pixels:
        """(height, width, 3) uint8 RGB."""
        return self.box.cut(self.frame.pixels)


def crop_persons(
    frames: Iterable[Frame],
    detector: Detector,
    *,
    least: float = 0.5,
    height: int = 32,
    joiner: Callable[[], Joiner] | None = None,
    best_of_track: bool = False,
) -> Iterator[Crop]:
    """The persons in scenes, those of one scene from left to right.

    Args:
        frames: see `occreid.scenes.frames.frames_of`.
        detector: see `occreid.scenes.detectors.open_boxes`.
        least: score below which a box is left out, in [0, 1].
        height: pixels below which a box is left out.
        joiner: makes what joins boxes into paths, one for each source; boxes whose path the detector names keep it.
        best_of_track: only the crop of the highest score (then the largest) of each path, at its source's end.
    """
    followed = detector if isinstance(detector, BoxFile) else None
    joining, sequence, best = None, None, {}
    for frame in frames:
        here = frame.source if followed is None else followed.sequence(frame)
        if here != sequence:  # a path's name says nothing beyond its source
            yield from best.values()
            joining, sequence, best = (joiner() if joiner else None), here, {}
            if joining and followed is not None:
                joining.taken = followed.tracks
        found = [box for box in detector(frame) if box.score >= least and box.height >= height]
        boxes = sorted(found, key=lambda box: (box.x, box.y, box.width, box.height))
        for box in joining.join(boxes, frame.pixels) if joining else boxes:
            if not best_of_track or box.track is None:
                yield Crop(frame, box)
                continue
            held = best.get(box.track)
            if held is None or _worth(box) > _worth(held.box):
                best[box.track] = Crop(frame, box)
    yield from best.values()


def write_crops(crops: Iterable[Crop], folder: str | Path, *, camera: str = "") -> int:
    """Write crops as JPEGs and their table; all or nothing, so that an interrupted call leaves no half.

    Args:
        crops: see `crop_persons`.
        folder: a new or empty one.
        camera: the name of the camera that saw them all; empty: each source's own name.

    Returns:
        How many.

    Raises:
        UserError: nobody was found, or the folder cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    with new_folder(folder) as part:
        number = 0
        for number, crop in enumerate(crops, 1):
            frame, box = crop.frame, crop.box
            name = f"{number:06d}_{_plain(Path(frame.source).stem)}.jpg"
            write_file(part / name, encoded(crop), flush=False)
            table.writerow(
                (
                    *(name, camera or Path(frame.source).stem, _cell(frame.timestamp, 3), frame.source, frame.number),
                    *(_cell(frame.seconds, 3), box.x, box.y, box.width, box.height, f"{box.score:.4f}"),
                    "" if box.track is None else box.track,
                )
            )
        if not number:
            raise nobody()
        write_file(part / TABLE, text.getvalue())
    return number


def nobody() -> UserError:
    """What to say where no crop comes out of scenes."""
    return UserError(
        "no person was found in these scenes.",
        "Lower --score and --smallest; of a file of boxes, its file names must be those of the scenes.",
    )


def encoded(crop: Crop) -> bytes:
    """A crop as the bytes of its JPEG file."""
    return cv2.imencode(".jpg", crop.pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _worth(box: Box) -> tuple[float, int]:
    return box.score, box.width * box.height


def _cell(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)[:60] or "scene"
