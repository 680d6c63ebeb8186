"""Finding a person in scenes: crop, describe and rank in one go, with the whole frame as evidence.

Letters: N crops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path

import torch

from occreid.data.images import Pixels
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.data.sightings import in_words, on_paper, with_box
from occreid.distances import distances
from occreid.errors import UserError
from occreid.models import Method
from occreid.models.pictures import Picture, pixels_of
from occreid.scenes.crops import Crop, nobody

_FOUND, _QUERY = (200, 40, 40), (30, 100, 220)  # colours of frames
_CELL = (240, 320)  # height and width of the sheet's pictures, in pixels


@dataclass(frozen=True, slots=True)
class Found:
    """A person who may be the one looked for.

    Attributes:
        distance: to the query under the model's metric.
        crop: the person's pixels.
        whole: the frame with the person's box, made smaller.
        about: source, moment and path, in words.
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
        raise nobody()
    return best


def sheet_of(found: list[Found], query: Picture, path: str | Path) -> Path:
    """A picture with the query first, then a row for each answer: the crop and the whole frame with its box.

    Raises:
        UserError: the file cannot be written.
    """
    asked = pixels_of(query, bgr=False, name="the query") if not isinstance(query, torch.Tensor) else None
    rows = [] if asked is None else [[Tile(on_paper(asked, *_CELL), "looked for", _QUERY)]]
    for place, one in enumerate(found, 1):
        crop = Tile(on_paper(one.crop, *_CELL), f"{place}: {one.distance:.3f}", _FOUND)
        rows.append([crop, Tile(on_paper(one.whole, *_CELL), one.about)])
    return write_sheet(Path(path), draw_sheet(rows, cell=_CELL))


def _kept(distance: float, crop: Crop) -> Found:
    frame, box = crop.frame, crop.box
    place = (box.x, box.y, box.width, box.height)
    facts = {
        **{"source": frame.source, "frame": frame.number, "seconds": frame.seconds, "timestamp": frame.timestamp},
        **{"x": box.x, "y": box.y, "width": box.width, "height": box.height, "score": box.score, "track": box.track},
    }
    about = in_words(frame.source, frame.seconds, frame.timestamp, box.track)
    return Found(distance, crop.pixels, with_box(frame.pixels, place, _FOUND), about, facts)
