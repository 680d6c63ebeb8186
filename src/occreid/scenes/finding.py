"""Finding a person in scenes: crop, describe and rank in one go, with the whole frame as evidence.

Letters: N crops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from occreid.data.images import Pixels
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.distances import distances
from occreid.errors import UserError
from occreid.models import Method
from occreid.models.pictures import Picture, pixels_of
from occreid.scenes.crops import Crop

_FOUND, _QUERY = (200, 40, 40), (30, 100, 220)  # colours of frames
_WHOLE = 480  # pixels of the longer side of a scene that is kept as evidence


@dataclass(frozen=True, slots=True)
class Found:
    """A person who may be the one looked for.

    Attributes:
        distance: to the query under the model's metric.
        crop: the person's pixels.
        whole: the frame with the person's box, made smaller.
        about: source and moment, in words.
        facts: the same for machines: source, frame, seconds, timestamp, x, y, width, height, score, track.
    """

    distance: float
    crop: Pixels
    whole: Pixels
    about: str
    facts: dict[str, object]


def find_person(model: Method, query: Picture, crops: Iterable[Crop], *, top: int = 20, batch: int = 64) -> list[Found]:
    """The crops nearest to a picture of a person, nearest first; only ``top`` frames are ever held.

    Raises:
        UserError: no crops, or ``top`` below 1.
    """
    if top < 1:
        raise UserError(f"{top} answers cannot be given.", "Ask for 1 or more.")
    wanted = model.embed(query)
    stream, best, looked = iter(crops), [], 0
    while some := list(islice(stream, batch)):
        described = model.embed([crop.pixels for crop in some], batch_size=batch)
        away = distances(wanted, described, model.metric)[0].tolist()
        limit = best[-1].distance if len(best) == top else torch.inf
        near = [pair for pair in zip(away, some, strict=True) if pair[0] < limit]
        best = nsmallest(top, [*best, *(_kept(*found) for found in near)], key=lambda found: found.distance)
        looked += len(some)
    if not looked:
        raise UserError("no person was found in these scenes.", "Lower --score and --smallest, or check the detector.")
    return best


def sheet_of(found: list[Found], query: Picture, path: str | Path) -> Path:
    """A picture with the query first, then a row for each answer: the crop and the whole frame with its box.

    Raises:
        UserError: the file cannot be written.
    """
    asked = pixels_of(query, bgr=False, name="the query") if not isinstance(query, torch.Tensor) else None
    rows = [] if asked is None else [[Tile(_boxed(asked), "looked for", _QUERY)]]
    for place, one in enumerate(found, 1):
        crop = Tile(_boxed(one.crop), f"{place}: {one.distance:.3f}", _FOUND)
        rows.append([crop, Tile(_boxed(one.whole), one.about)])
    return write_sheet(Path(path), draw_sheet(rows, cell=(240, 320)))


def _kept(distance: float, crop: Crop) -> Found:
    frame, box = crop.frame, crop.box
    whole = frame.pixels.copy()
    thick = max(2, max(whole.shape) // 300)
    cv2.rectangle(whole, (box.x, box.y), (box.x + box.width, box.y + box.height), _FOUND, thick)
    scale = min(1.0, _WHOLE / max(whole.shape[:2]))
    size = (max(1, round(whole.shape[1] * scale)), max(1, round(whole.shape[0] * scale)))
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    moment = "" if frame.timestamp is None else f"{datetime.fromtimestamp(frame.timestamp, UTC):%Y-%m-%d %H:%M:%S} "
    since = "" if frame.seconds is None else f"{frame.seconds:.1f} s "
    facts = {
        **{"source": frame.source, "frame": frame.number, "seconds": frame.seconds, "timestamp": frame.timestamp},
        **{"x": box.x, "y": box.y, "width": box.width, "height": box.height, "score": box.score, "track": box.track},
    }
    return Found(distance, crop.pixels, np.asarray(small, np.uint8), f"{moment}{since}{Path(frame.source).name}", facts)


def _boxed(pixels: Pixels, height: int = 240, width: int = 320) -> Pixels:
    """The picture on white paper of a cell's shape, so that nobody is stretched."""
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    h, w = max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale))
    paper = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    paper[top : top + h, left : left + w] = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA)
    return paper
