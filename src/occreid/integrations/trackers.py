"""Appearance for trackers: one object with the calls that BoxMOT, supervision and Ultralytics' BoT-SORT make.

A tracker compares flat vectors by cosine. A part-based model's parts are therefore each brought to length 1, hidden
parts become 0 and the whole is brought to length 1: what one picture hides then adds nothing to the product.

Letters: N boxes, P parts, D dimensions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from occreid.data.images import Pixels
from occreid.errors import UserError
from occreid.models import Method, load_model

Vectors = NDArray[np.float32]


class TrackEmbedder:
    """A model as a tracker's appearance network.

    Args:
        model: a loaded model, or what `occreid.load_model` takes.
        device: where it runs.
        bgr: whether frames come in OpenCV's order of colours, as they do in all three programs.
        batch_size: boxes described at once.
        dtype: of the vectors that are handed out.

    >>> from occreid.models import create_model
    >>> embedder = TrackEmbedder(create_model("baseline", 2, backbone="resnet18", pretrained="none"))
    >>> embedder.get_features(np.array([[0, 0, 30, 60]]), np.zeros((80, 90, 3), np.uint8)).shape
    (1, 512)
    """

    def __init__(
        self,
        model: Method | str | Path,
        *,
        device: torch.device | str = "cpu",
        bgr: bool = True,
        batch_size: int = 64,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        loaded = model if isinstance(model, Method) else load_model(model)
        self.model = loaded.to(device).eval()
        self.bgr, self.batch_size, self.dtype = bgr, batch_size, dtype
        self._width: int | None = None

    def get_features(self, xyxys: Any, img: Pixels) -> Vectors:
        """BoxMOT's call: (N, ≥ 4) corners in pixels and an (H, W, 3) frame → (N, P · D) of length 1.

        A box with no pixel in the frame has a row of zeros, which resembles nobody.
        """
        return self.describe(xyxys, img)[0]

    def extract_features(self, detections: Any, frame: Any) -> Vectors:
        """The call of supervision's world: a ``Detections`` (or anything with ``xyxy``) and a frame → (N, P · D).

        A frame that is a Pillow picture is RGB whatever `bgr` says.
        """
        if not isinstance(frame, np.ndarray):
            rgb = np.asarray(frame.convert("RGB"))
            frame = rgb[..., ::-1] if self.bgr else rgb
        return self.get_features(detections.xyxy, frame)

    def __call__(self, img: Pixels, dets: Any) -> list[Vectors]:
        """The call of Ultralytics' BoT-SORT: a frame and (N, ≥ 4) centre x, centre y, width, height → N vectors."""
        boxes = _table(dets)
        centre, half = boxes[:, :2], boxes[:, 2:4] / 2
        return list(self.get_features(np.concatenate([centre - half, centre + half], 1), img))

    def confidence(self, xyxys: Any, img: Pixels) -> NDArray[np.float32]:
        """(N,) share of a person's parts that were seen, in [0, 1]: how far a tracker may trust the look of a box.

        A model without parts says 1 of every box that has pixels; of one that has none it is 0.
        """
        return self.describe(xyxys, img)[1]

    def describe(self, xyxys: Any, img: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """`get_features` and `confidence` of one look at the frame.

        Raises:
            UserError: no boxes of four numbers, or no (H, W, 3) frame of 8-bit values.
        """
        if img.ndim != 3 or img.shape[2] != 3 or img.dtype != np.uint8:
            raise UserError(f"a frame of shape {img.shape} and {img.dtype} is none.", "Give (H, W, 3) uint8.")
        height, width = img.shape[:2]
        corners = _table(xyxys)[:, :4]
        low = np.floor(np.nan_to_num(corners[:, :2], nan=0, posinf=0, neginf=0)).clip(0, (width, height))
        high = np.ceil(np.nan_to_num(corners[:, 2:], nan=0, posinf=0, neginf=0)).clip(0, (width, height))
        boxes = np.concatenate([low, high], 1).astype(int)
        held = [row for row, (x1, y1, x2, y2) in enumerate(boxes) if x2 > x1 and y2 > y1]
        seen = np.zeros(len(boxes), np.float32)
        if not held:
            return np.zeros((len(boxes), self._dimensions()), self.dtype), seen
        crops = [np.ascontiguousarray(img[y1:y2, x1:x2]) for x1, y1, x2, y2 in boxes[held]]
        found = self.model.embed(crops, bgr=self.bgr, batch_size=self.batch_size)
        parts = normalize(found.features, dim=-1) * found.visibility[..., None]  # (N, P, D)
        flat = normalize(parts.flatten(1), dim=1).cpu().numpy()
        vectors = np.zeros((len(boxes), flat.shape[1]), self.dtype)
        vectors[held], seen[held] = flat, found.visibility.float().mean(1).cpu().numpy()
        self._width = flat.shape[1]
        return vectors, seen

    def _dimensions(self) -> int:
        if self._width is None:
            blank = np.zeros((*self.model.input_size, 3), np.uint8)
            self._width = self.model.embed(blank).features[0].numel()
        return self._width


def _table(boxes: Any) -> NDArray[np.float64]:
    """(N, ≥ 4) float64 of whatever holds it."""
    plain = boxes.detach().cpu().numpy() if hasattr(boxes, "detach") else boxes
    table = np.asarray(plain, dtype=np.float64)
    if table.size == 0:
        return np.zeros((0, 4))
    if table.ndim != 2 or table.shape[1] < 4:
        raise UserError(f"boxes of shape {table.shape} are none.", "Give (N, 4) numbers in pixels.")
    return table
