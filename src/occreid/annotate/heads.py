"""Where a person's head is, and how it is hidden.

OPReID's faces are masked (SSGR paper, Section 4); whole heads are here, for hair and ears identify, too.
Letters: H × W pixels.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid.annotate.construction.keypoints import Keypoints
from occreid.data.images import Pixels
from occreid.errors import UserError, did_you_mean

Fill = Literal["grey", "pixels", "blur"]
"""How a head is hidden: by one colour, by four by four cells, or by a blur as wide as itself. Only the first leaves
nothing of it; the others keep more of a picture's look."""
FILLS: tuple[str, ...] = ("grey", "pixels", "blur")
HEAD = 1
"""The head's value in part masks."""
_FACE = range(5)  # nose, eyes, ears
_SHOULDERS = (5, 6)


def head_from_mask(mask: Pixels, height: int, width: int, grow: float = 0.15) -> NDArray[np.bool_]:
    """(H, W) True on the head of a part mask and a little around it; all False where the mask shows no head.

    Args:
        mask: part mask of any size and the picture's aspect.
        height: H of the picture.
        width: W of the picture.
        grow: border around the head, as a share of the head's height.
    """
    head = cv2.resize((mask == HEAD).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    rows = np.flatnonzero(head.any(1))
    if len(rows):
        reach = max(1, round(grow * (rows[-1] - rows[0] + 1)))
        head = cv2.dilate(head, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return head > 0


def head_from_keypoints(keypoints: Keypoints | None, height: int, width: int) -> NDArray[np.bool_] | None:
    """(H, W) True on an ellipse around the head, or None where nothing tells where it is.

    The ellipse is around the seen points of the face; its height is that of a head, 1.3 times its width, and its
    width at least 0.6 of the distance between the shoulders. Without a point of the face it sits above the middle
    of both shoulders.

    Args:
        keypoints: of the person, in pixels of the picture; None where nobody was found.
        height: H of the picture.
        width: W of the picture.
    """
    if keypoints is None:
        return None
    points = np.array(keypoints.points)
    face = points[[i for i in _FACE if keypoints.seen[i]]]
    shoulders = points[[i for i in _SHOULDERS if keypoints.seen[i]]]
    span = abs(shoulders[0, 0] - shoulders[1, 0]) if len(shoulders) == 2 else 0.0
    if len(face):
        wide = max(1.5 * np.ptp(face[:, 0]), 0.6 * span, 0.12 * width)
        centre = face.mean(0) - (0, 0.1 * wide)  # there is more head above a face than below
    elif len(shoulders) == 2:
        wide = max(0.6 * span, 0.12 * width)
        centre = shoulders.mean(0) - (0, 0.9 * wide)
    else:
        return None
    head = np.zeros((height, width), np.uint8)
    half = (max(1, round(0.65 * wide)), max(1, round(0.85 * wide)))
    cv2.ellipse(head, (round(centre[0]), round(centre[1])), half, 0, 0, 360, 1, -1)
    return head > 0


def hide(image: Pixels, head: NDArray[np.bool_], fill: Fill = "grey") -> Pixels:
    """A copy of (H, W, 3) uint8 pixels with the head hidden.

    Raises:
        UserError: an unknown fill.
    """
    if fill not in FILLS:
        raise UserError(f"heads cannot be hidden by '{fill}'.", did_you_mean(fill, FILLS))
    result = image.copy()
    rows, columns = np.flatnonzero(head.any(1)), np.flatnonzero(head.any(0))
    if not len(rows):
        return result
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inside, under = head[box], image[box]
    if fill == "grey":
        result[box][inside] = 127
        return result
    h, w = under.shape[:2]
    few = cv2.resize(under, (min(4, w), min(4, h)), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_NEAREST if fill == "pixels" else cv2.INTER_CUBIC
    result[box][inside] = cv2.resize(few, (w, h), interpolation=how)[inside]
    return result
