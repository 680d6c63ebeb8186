"""Controlled damage to test pictures: the same benchmark, harder by a known amount, without copies on disk.

What happens to a picture is a pure function of the stress, its seed and the picture's file name: equal on every
machine, in any order and for any number of loading processes.

Letters: H × W pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from occreid.data.images import Pixels, read_image
from occreid.data.occlusion.library import OccluderLibrary, paste
from occreid.errors import UserError, did_you_mean
from occreid.records import Record

Kind = Literal["flat", "texture", "object", "person", "shift", "blur", "dark", "small"]
"""What is done: hidden by a flat colour, a texture, a cut-out object or another person; or a misaligned box, motion
blur, low light, low resolution."""
Side = Literal["top", "bottom", "left", "right", "middle", "any"]
"""Which part is hidden; ``any`` draws one of the four edges for each picture."""

KINDS: tuple[str, ...] = get_args(Kind)
HIDING: tuple[str, ...] = ("flat", "texture", "object", "person")
"""The kinds that hide a part of the picture; only they have a side."""
SIDES: tuple[str, ...] = get_args(Side)
Rectangle = tuple[int, int, int, int]
"""Top, left, height, width."""


@dataclass(frozen=True, slots=True)
class Stress:
    """One kind of damage at one level.

    Attributes:
        kind: see `Kind`.
        level: 0 is the untouched picture. Hiding kinds: the share of the picture's area under the occluder's
            rectangle (a cut-out does not fill it to its corners), at most 0.9. ``shift``: the largest shift of the
            box, as a share of its height and width, and as much in size. ``blur``: length of the motion, as a share
            of the width. ``dark``: the share of the light that is missing, with the sensor noise that comes with it.
            ``small``: the share of the height and width that is lost before the picture is enlarged again.
        side: see `Side`; hiding kinds only.
        seed: another draw of colours, objects, sides and directions.
    """

    kind: Kind
    level: float
    side: Side = "any"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"there is no stress '{self.kind}'.", did_you_mean(self.kind, KINDS))
        if self.side not in SIDES:
            raise UserError(f"there is no side '{self.side}'.", did_you_mean(self.side, SIDES))
        if not 0 <= self.level <= 0.9:
            raise UserError(f"a stress of {self.level:g} is out of range.", "Give a level from 0 to 0.9.")
        if self.side != "any" and self.kind not in HIDING:
            raise UserError(f"the stress '{self.kind}' has no side.", f"Write {self.kind}:{self.level:g}")

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Stress:
        """Read ``KIND:LEVEL`` or ``KIND:LEVEL:SIDE``.

        Raises:
            UserError: anything else.

        >>> Stress.parse("object:0.4:bottom")
        Stress(kind='object', level=0.4, side='bottom', seed=0)
        """
        kind, *rest = text.split(":")
        try:
            level = float(rest[0])
            (side,) = rest[1:] or ["any"]
        except (IndexError, ValueError) as error:
            raise UserError(
                f"the stress '{text}' is not KIND:LEVEL or KIND:LEVEL:SIDE.", "For example: object:0.4:bottom"
            ) from error
        return cls(kind, level, side, seed)  # type: ignore[arg-type]  # checked in __post_init__

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g}" + ("" if self.side == "any" else f":{self.side}")


class Stressor:
    """Does to pictures what a `Stress` says.

    Args:
        stress: what to do.
        pool: pictures of people, for the kind ``person``; a picture is never hidden by its own person.
        library: cut-outs for the kind ``object``; left out, drawn ones that no training shows.

    Raises:
        UserError: the kind ``person`` with fewer than two persons in the pool.
    """

    def __init__(self, stress: Stress, pool: Sequence[Record] = (), library: OccluderLibrary | None = None) -> None:
        self.stress = stress
        self._pool = sorted(pool, key=lambda record: str(record.path))
        self._library = OccluderLibrary.unseen() if library is None and stress.kind == "object" else library
        if stress.kind == "person" and len({record.pid for record in self._pool}) < 2:
            raise UserError("nobody is there to stand in front: the pool holds fewer than two persons.", "Add people.")

    def __call__(self, image: Pixels, mask: Pixels | None, record: Record) -> tuple[Pixels, Pixels | None]:
        """Damage one picture and its part mask.

        Args:
            image: (H, W, 3) uint8 RGB; not changed.
            mask: part mask of any size and the picture's aspect, or None.
            record: whose picture it is.

        Returns:
            A new picture and mask. What is hidden is background in the mask.
        """
        stress = self.stress
        if stress.level == 0:
            return image, mask
        name = zlib.crc32(record.path.name.encode())
        rng = np.random.default_rng((stress.seed, name, KINDS.index(stress.kind)))
        if stress.kind in HIDING:
            return self._hide(image, mask, record, rng)
        if stress.kind == "shift":
            return _shift(image, mask, stress.level, rng)
        damage = {"blur": _blur, "dark": _dark, "small": _small}[stress.kind]
        return damage(image, stress.level, rng), mask

    def _hide(self, image: Pixels, mask: Pixels | None, record: Record, rng: Generator) -> tuple[Pixels, Pixels | None]:
        side = self.stress.side if self.stress.side != "any" else SIDES[int(rng.integers(4))]
        where = hiding_rectangle(image.shape[0], image.shape[1], self.stress.level, side)
        hidden = paste(image, self._occluder(where, record, rng), *where)
        if mask is None:
            return hidden, None
        changed = (hidden != image).any(2)
        covered = np.zeros(image.shape[:2], np.uint8)
        top, left, height, width = where
        covered[top : top + height, left : left + width] = 1
        covered &= changed.astype(np.uint8)  # a cut-out leaves the corners of its rectangle free
        smaller = cv2.resize(covered, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
        return hidden, np.where(smaller > 0, 0, mask).astype(np.uint8)

    def _occluder(self, where: Rectangle, record: Record, rng: Generator) -> Pixels:
        _, _, height, width = where
        colour = rng.integers(20, 236, 3)
        if self.stress.kind == "flat":
            return np.full((1, 1, 3), colour, np.uint8)
        if self.stress.kind == "texture":
            return _texture(height, width, colour, rng)
        if self.stress.kind == "object":
            assert self._library is not None
            return self._library[int(rng.integers(len(self._library)))]
        others = [other for other in self._pool if other.pid != record.pid]
        other = read_image(others[int(rng.integers(len(others)))].path)
        return _crop_to_aspect(other, height, width)


def hiding_rectangle(height: int, width: int, share: float, side: str) -> Rectangle:
    """The rectangle of ``share`` of the area at an edge (full length of it), or in the middle (the picture's aspect).

    >>> hiding_rectangle(100, 50, 0.4, "bottom"), hiding_rectangle(100, 50, 0.25, "middle")
    ((60, 0, 40, 50), (25, 12, 50, 25))
    """
    tall, wide = max(1, round(height * share)), max(1, round(width * share))
    if side == "middle":
        tall, wide = max(1, round(height * share**0.5)), max(1, round(width * share**0.5))
        return (height - tall) // 2, (width - wide) // 2, tall, wide
    return {
        "top": (0, 0, tall, width),
        "bottom": (height - tall, 0, tall, width),
        "left": (0, 0, height, wide),
        "right": (0, width - wide, height, wide),
    }[side]


def _texture(height: int, width: int, colour: NDArray[np.int64], rng: Generator) -> Pixels:
    """Stripes of two colours at a random angle and width, over soft noise."""
    other = rng.integers(20, 236, 3)
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.08, 0.3) * max(height, width)
    stripes = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)[..., None] > 0
    noise = cv2.GaussianBlur(rng.normal(0, 40, (height, width, 1)).astype(np.float32), (0, 0), 1.5)
    return (np.where(stripes, colour, other) + noise[..., None]).clip(0, 255).astype(np.uint8)


def _crop_to_aspect(image: Pixels, height: int, width: int) -> Pixels:
    """The largest middle part of a picture with the aspect height : width."""
    h, w = image.shape[:2]
    tall, wide = (
        (h, max(1, round(h * width / height))) if h * width <= w * height else (max(1, round(w * height / width)), w)
    )
    top, left = (h - tall) // 2, (w - wide) // 2
    return np.ascontiguousarray(image[top : top + tall, left : left + wide])


def _shift(image: Pixels, mask: Pixels | None, level: float, rng: Generator) -> tuple[Pixels, Pixels | None]:
    """A detector's box that sits wrong: moved and scaled, with the picture's edge pixels beyond its border."""
    down, right, grow = rng.uniform(-level, level, 3)

    def moved(pixels: Pixels, how: int, border: int) -> Pixels:
        h, w = pixels.shape[:2]
        scale = 1 + grow
        matrix = np.array(
            [[scale, 0, (right + (1 - scale) / 2) * w], [0, scale, (down + (1 - scale) / 2) * h]], np.float32
        )
        return cv2.warpAffine(pixels, matrix, (w, h), flags=how, borderMode=border)  # type: ignore[return-value]

    parts = None if mask is None else moved(mask, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    return moved(image, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE), parts


def _blur(image: Pixels, level: float, rng: Generator) -> Pixels:
    length = max(2, round(level * image.shape[1]))
    angle = rng.uniform(0, np.pi)
    size = length | 1
    kernel = np.zeros((size, size), np.float32)
    reach, middle = np.array([np.cos(angle), np.sin(angle)]) * (size // 2), size // 2
    start, end = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _dark(image: Pixels, level: float, rng: Generator) -> Pixels:
    left = (1 - level) * image.astype(np.float32)
    noise = rng.normal(0, 1, image.shape).astype(np.float32) * np.sqrt(left + 1) * level  # shot noise
    return np.rint(left + noise).clip(0, 255).astype(np.uint8)


def _small(image: Pixels, level: float, rng: Generator) -> Pixels:
    h, w = image.shape[:2]
    few = cv2.resize(
        image, (max(1, round(w * (1 - level))), max(1, round(h * (1 - level)))), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(few, (w, h), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
