"""What the service knows, in the form it is answered and logged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from occreid.gallery import Entry, Filter, Hit
from occreid.gallery.hit import score
from occreid.models.explaining import GRAD_CAM
from occreid.retrieval.calibration import Calibration
from occreid.serve import schemas
from occreid.serve.pictures import data_address


def entry_out(entry: Entry) -> schemas.EntryOut:
    """An entry without its descriptor."""
    return schemas.EntryOut(
        id=entry.id,
        pid=entry.pid,
        camid=entry.camid,
        timestamp=entry.timestamp,
        tags=list(entry.tags),
        visibility=entry.visibility.tolist(),
        has_picture=entry.picture is not None,
    )


def hit_out(rank: int, hit: Hit, probability: float | None, picture: bytes | None) -> schemas.HitOut:
    """An answer of a search, with its picture if there is one to show."""
    return schemas.HitOut(
        rank=rank,
        id=hit.id,
        distance=hit.distance,
        score=hit.score,
        probability=probability,
        pid=hit.pid,
        camid=hit.camid,
        timestamp=hit.timestamp,
        tags=list(hit.tags),
        visibility=list(hit.visibility),
        picture=None if picture is None else data_address(picture),
    )


def compared(
    distance: float, metric: str, calibration: Calibration | None, visibility: tuple[list[bool], list[bool]]
) -> schemas.Compared:
    """How alike two pictures at this distance are; at ∞ they share no part."""
    if not math.isfinite(distance):
        message = "The two pictures show no part of a person in common: they cannot be compared."
        return schemas.Compared(distance=None, score=None, probability=None, message=message, visibility=visibility)
    if calibration is None:
        message = "No probability: this service has no calibration file (occreid serve calibrate)."
    else:
        message = presumptions(calibration)
    return schemas.Compared(
        distance=distance,
        score=score(distance, metric),
        probability=None if calibration is None else calibration.probability(distance),
        message=message,
        visibility=visibility,
    )


def presumptions(held: Calibration) -> str:
    """What the probabilities of a curve presume, and how well they hold."""
    return (
        f"Fitted on {held.fitted_on}; presumes that {held.prior:.0%} of the compared pairs show one person; "
        f"expected calibration error {held.held_out['ece']:.3f} on persons left out of the fit."
    )


def maps_in_words(method: str, names: Sequence[str]) -> str:
    """What maps of these names show, or why there are none."""
    if not names:
        return (
            f"There are no maps: '{method}' has none of its own, and an exported model has no gradients for Grad-CAM."
        )
    if names == [GRAD_CAM]:
        return "Yellow: these places carry the descriptor (Grad-CAM; the method has no maps of its own)."
    return "Blue: looked away. Yellow: looked here."


def filter_facts(filter: Filter | None) -> dict[str, Any]:
    """The conditions of a filter, for the log."""
    if filter is None:
        return {}
    facts = {
        "camids": filter.camids,
        "start": filter.start,
        "end": filter.end,
        "tags": list(filter.tags) or None,
        "exclude_camid": filter.exclude_camid,
        "pids": filter.pids,
    }
    return {key: value for key, value in facts.items() if value is not None}
