"""Cut-outs of things that hide people, and how one is laid over a picture.

Letters: h × w pixels of a cut-out, H × W of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.data.images import Pixels, open_pillow, read_bytes, turned
from occreid.data.occlusion import unseen
from occreid.data.occlusion.cutouts import KINDS, draw_cutout
from occreid.data.walk import files_under, is_image
from occreid.errors import UserError
from occreid.files import write_file

PROCEDURAL = "procedural"
"""The name of the drawn library of training where a recipe could also name a folder."""
UNSEEN = "unseen"
"""The name of the drawn library of stress tests and Clever Hans: things that no training set shows."""
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
_SOLID = 128  # alpha from here on counts as the thing itself


class OccluderLibrary(Sequence[Pixels]):
    """Cut-outs in a fixed order: ``library[i]`` is (h, w, 4) uint8 RGBA, cropped to what is visible of it.

    Args:
        cutouts: (h, w, 4) uint8 RGBA each.
        names: what each is called, e.g. its file name.

    Raises:
        UserError: no cut-outs, or one without a single solid pixel.

    >>> library = OccluderLibrary.procedural(count=4, seed=0)
    >>> len(library), library[0].dtype.name, library[0].shape[2], library.names[0]
    (4, 'uint8', 4, 'trunk-0')
    """

    def __init__(self, cutouts: Sequence[Pixels], names: Sequence[str]) -> None:
        if not len(cutouts):
            raise UserError("the occluder library is empty.", "Give at least one cut-out.")
        self._cutouts = tuple(_trimmed(cutout, name) for cutout, name in zip(cutouts, names, strict=True))
        self.names = tuple(names)

    @classmethod
    def procedural(cls, count: int = 32, seed: int = 0) -> OccluderLibrary:
        """Drawn cut-outs, the same for the same seed; a longer library begins with the shorter one's.

        Args:
            count: how many, at least 1; the kinds of `occreid.data.occlusion.cutouts.KINDS` take turns.
            seed: another set of the same kinds.
        """
        kinds = [list(KINDS)[i % len(KINDS)] for i in range(count)]
        cutouts = [draw_cutout(kind, np.random.default_rng((seed, i))) for i, kind in enumerate(kinds)]
        return cls(cutouts, [f"{kind}-{i}" for i, kind in enumerate(kinds)])

    @classmethod
    def unseen(cls, count: int = 32, seed: int = 0) -> OccluderLibrary:
        """Like `procedural`, of the kinds of `occreid.data.occlusion.unseen.KINDS`, which hide nobody in training."""
        kinds = [list(unseen.KINDS)[i % len(unseen.KINDS)] for i in range(count)]
        cutouts = [unseen.KINDS[kind](np.random.default_rng((seed, i, 1))) for i, kind in enumerate(kinds)]
        return cls(cutouts, [f"{kind}-{i}" for i, kind in enumerate(kinds)])

    @classmethod
    def from_folder(cls, path: str | Path) -> OccluderLibrary:
        """All pictures below a folder, sorted by path; one without transparency is taken as a full rectangle.

        Raises:
            UserError: no such folder, no picture in it, or one that is damaged or fully transparent.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise UserError(
                f"there is no folder of occluders '{folder}'.",
                f"Make one with 'occreid data occluders', or use '{PROCEDURAL}'.",
            )
        files = [file for file in files_under(folder) if is_image(file)]
        if not files:
            raise UserError(
                f"the folder of occluders '{folder}' holds no picture.",
                f"Put RGBA cut-outs there (PNG), or use '{PROCEDURAL}'.",
            )
        return cls([read_cutout(file) for file in files], [str(file.relative_to(folder)) for file in files])

    @classmethod
    def open(cls, source: str) -> OccluderLibrary:
        """What an option names: ``"procedural"``, ``"unseen"``, or a folder."""
        drawn = {PROCEDURAL: cls.procedural, UNSEEN: cls.unseen}
        return drawn[source]() if source in drawn else cls.from_folder(source)

    def __len__(self) -> int:
        return len(self._cutouts)

    def __getitem__(self, index: int) -> Pixels:  # type: ignore[override]  # no slices: a cut-out at a time
        return self._cutouts[index]

    def __iter__(self) -> Iterator[Pixels]:
        return iter(self._cutouts)

    @property
    def aspects(self) -> NDArray[np.float64]:
        """Height / width of each cut-out, (N,)."""
        return np.array([cutout.shape[0] / cutout.shape[1] for cutout in self._cutouts])


def write_library(count: int, seed: int, out: Path) -> int:
    """Write drawn cut-outs as RGBA PNG, ``kind-number.png``; returns how many.

    Raises:
        UserError: a count below 1, or a folder that cannot be written.
    """
    library = OccluderLibrary.procedural(count, seed)
    for name, cutout in zip(library.names, library, strict=True):
        _, encoded = cv2.imencode(".png", cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))
        write_file(out / f"{name}.png", encoded.tobytes(), flush=False)
    return len(library)


def read_cutout(path: str | Path) -> Pixels:
    """A picture with its transparency: (h, w, 4) uint8 RGBA; alpha is 255 where the file has none.

    Raises:
        UserError: missing, damaged, no picture, or of more than 8 bits.
    """
    image = turned(open_pillow(read_bytes(path), path))
    if image.mode.startswith("I") or image.mode == "F":
        raise UserError(f"the occluder {path} has more than 8 bits a pixel.", "Save it as 8-bit RGBA.")
    return np.array(image.convert("RGBA"))


def resize_cutout(cutout: Pixels, height: int, width: int) -> NDArray[np.float32]:
    """A cut-out at another size, (height, width, 4) float32 in [0, 1], colours multiplied by alpha.

    What is transparent has no colour, so none of it bleeds over the edge.
    """
    pixels = cutout.astype(np.float32) / 255
    pixels[:, :, :3] *= pixels[:, :, 3:]
    h, w = cutout.shape[:2]
    if h > height or w > width:
        pixels = cv2.resize(pixels, (min(w, width), min(h, height)), interpolation=cv2.INTER_AREA)
    if pixels.shape[:2] != (height, width):
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return pixels  # type: ignore[return-value]


def paste(image: Pixels, occluder: Pixels, top: int, left: int, height: int, width: int) -> Pixels:
    """Lay a cut-out over a picture, stretched over a rectangle that may overhang the picture's edges.

    Args:
        image: (H, W, 3) uint8 RGB.
        occluder: (h, w, 4) uint8 RGBA, or (h, w, 3) for a full rectangle.
        top: first row of the rectangle; may be negative.
        left: first column of the rectangle; may be negative.
        height: of the rectangle in pixels, at least 1.
        width: of the rectangle in pixels, at least 1.

    Returns:
        A new (H, W, 3) uint8 picture.

    Raises:
        UserError: a rectangle without area.
    """
    if height < 1 or width < 1:
        raise UserError(f"an occluder of {height}×{width} pixels cannot be pasted.", "Give 1 pixel or more.")
    if occluder.shape[2] == 3:
        occluder = np.dstack([occluder, np.full(occluder.shape[:2], 255, np.uint8)])
    rows = slice(max(top, 0), min(top + height, image.shape[0]))
    columns = slice(max(left, 0), min(left + width, image.shape[1]))
    pasted = image.copy()
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return pasted
    cutout = resize_cutout(occluder, height, width)
    cutout = cutout[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    under = image[rows, columns].astype(np.float32)
    pasted[rows, columns] = np.rint(255 * cutout[:, :, :3] + (1 - cutout[:, :, 3:]) * under).clip(0, 255)
    return pasted


def _trimmed(cutout: Pixels, name: str) -> Pixels:
    solid = cutout[:, :, 3] >= _SOLID
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        raise UserError(f"the occluder {name} is fully transparent.", "Remove it, or cut it out again.")
    return np.ascontiguousarray(cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
