"""What a model looked at, laid over the pictures (`occreid.models.explaining`)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from occreid.data.images import read_image
from occreid.data.inspect.heat import overlay
from occreid.data.loading.loaders import eval_loader
from occreid.methods import Method
from occreid.models.explaining import explanations
from occreid.records import Record

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Explanation:
    """One map over one picture: its name, and the picture as a ``data:`` address with its size in pixels."""

    name: str
    source: str
    width: int
    height: int


def drawn_explanations(model: Method, records: Sequence[Record], *, height: int = 160) -> list[list[Explanation]]:
    """Maps of each picture, as the page shows them; empty where there is nothing to show.

    Args:
        model: on any device; left in the mode it came in.
        records: the pictures.
        height: of the overlays in pixels.

    Raises:
        UserError: an image is missing or unreadable; it is named.
    """
    rows: list[list[Explanation]] = []
    size_h, size_w = model.input_size
    has_masks = all(record.mask is not None for record in records)
    for batch in eval_loader(records, height=size_h, width=size_w, batch_size=16, masks=has_masks):
        maps = explanations(model, batch.images, batch.masks)
        for row in range(len(batch)):
            pixels = read_image(records[len(rows)].path)
            rows.append([_explanation(name, pixels, shown[row].cpu().numpy(), height) for name, shown in maps.items()])
    return rows


def _explanation(name: str, pixels: np.ndarray, shown: np.ndarray, height: int) -> Explanation:
    picture = overlay(pixels, shown, height=height)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    address = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
    return Explanation(name.replace("_", " "), address, picture.shape[1], picture.shape[0])
