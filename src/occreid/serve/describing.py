"""From the bytes of an upload to a descriptor: decoded under a limit, described in batches.

Letters: h × w pixels of a crop, H × W of the model.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from occreid.data.images import Pixels
from occreid.data.inspect.heat import overlay
from occreid.descriptors import Descriptors
from occreid.gallery.kept import encode, plain_jpeg, shrink
from occreid.serve.batching import Batcher, result_of
from occreid.serve.engine import Engine
from occreid.serve.pictures import content_id, decode, parse_box
from occreid.serve.settings import Settings

_KEPT = 2**19  # bytes of a picture that the gallery may have been given by an earlier version


@dataclass(frozen=True, slots=True)
class Crop:
    """An uploaded picture, cut to the person.

    Attributes:
        sha256: hash of the file as it came.
        id: of the entry it would become.
        pixels: (h, w, 3) uint8, scaled down to what is kept and shown.
        prepared: (3, H, W) uint8, what the model sees.
    """

    sha256: str
    id: str
    pixels: Pixels
    prepared: Tensor


class Describer:
    """Decodes and describes; safe to use from threads.

    Args:
        engine: the model.
        settings: limits.
        observe: called with the size of each batch.
    """

    def __init__(self, engine: Engine, settings: Settings, observe: Callable[[int], object]) -> None:
        self._engine = engine
        self._settings = settings
        self._decoding = threading.Semaphore(settings.decoders)
        self._batcher: Batcher[Tensor, Descriptors] = Batcher(
            engine.describe, max_batch=settings.max_batch, observe=observe
        )

    def __len__(self) -> int:
        """Pictures waiting."""
        return len(self._batcher)

    def crop(self, data: bytes, box: str | None, *facts: object) -> Crop:
        """Decode and cut.

        Args:
            data: the file.
            box: what to cut out, see `parse_box`.
            facts: what makes the same crop another entry: its camera and time.

        Raises:
            UserError: no picture, a box outside of it, too large.
        """
        wanted = parse_box(box)
        with self._decoding:
            limits = self._settings
            pixels = decode(
                data,
                max_pixels=limits.max_pixels,
                max_side=limits.max_side,
                max_proportion=limits.max_proportion,
                box=wanted,
            )
            return Crop(
                hashlib.sha256(data).hexdigest(),
                content_id(pixels, *facts),
                shrink(pixels, limits.picture_height),
                self._engine.prepare(pixels),
            )

    def scene(self, data: bytes) -> Pixels:
        """A whole picture, decoded under the limits.

        Raises:
            UserError: no picture, or too large a one.
        """
        limits = self._settings
        with self._decoding:
            return decode(
                data, max_pixels=limits.max_pixels, max_side=limits.max_side, max_proportion=limits.max_proportion
            )

    def plain(self, picture: bytes, name: str) -> bytes:
        """A kept picture as a small JPEG without metadata, see `plain_jpeg`; an old gallery may hold anything.

        Raises:
            UserError: it is no picture, or too large a one.
        """
        with self._decoding:
            if len(picture) > _KEPT:
                decode(picture, max_pixels=self._settings.max_pixels)  # refuses what is too large
            return plain_jpeg(picture, name)

    def overlay(self, crop: Crop, heat: NDArray[np.float32]) -> bytes:
        """A PNG of a crop under a map of where the model looked."""
        with self._decoding:
            return encode(overlay(crop.pixels, heat), ".png")

    def jpeg(self, crop: Crop) -> bytes:
        """A crop as the gallery keeps it."""
        with self._decoding:
            return encode(crop.pixels, ".jpg")

    def describe(self, *crops: Crop) -> list[Descriptors]:
        """The descriptors of crops, one row each.

        Raises:
            Busy: the queue is full.
            TimeoutError: the model did not come to it in time.
        """
        futures = [self._batcher.submit(crop.prepared) for crop in crops]
        return [result_of(future) for future in futures]

    def close(self) -> None:
        """Finish what is queued."""
        self._batcher.close()
