"""Colour histograms of horizontal stripes: the classical floor every trained network has to beat.

It knows nothing of persons: whoever wears the same colours at the same height looks the same to it, and
so does whoever stands behind the same obstacle. Six HSV stripes are the form used since the first
person re-identification papers (Gray and Tao, ECCV 2008, use six stripes).

Letters: N images, S stripes, D = bins of one stripe's histogram (h·s·v).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from occreid.data.images import read_image
from occreid.descriptors import Descriptors
from occreid.records import Record

_SIZE = (64, 128)  # width, height every image is brought to, so that all stripes hold as many pixels


def stripe_histogram(image: np.ndarray, *, stripes: int = 6, bins: tuple[int, int, int] = (8, 4, 4)) -> np.ndarray:
    """Square roots of the HSV histograms of horizontal stripes.

    Rooting makes the Euclidean distance the Hellinger distance, which ranks histograms far better than
    their plain difference (Arandjelović and Zisserman, CVPR 2012, Section 3).

    Args:
        image: (H, W, 3) uint8 RGB of any size.
        stripes: S ≥ 1, from top to bottom.
        bins: number of bins for hue, saturation and value.

    Returns:
        (S · D,) float32 of Euclidean length 1: each stripe weighs the same.

    >>> (stripe_histogram(np.zeros((4, 4, 3), np.uint8), stripes=2, bins=(2, 1, 1)) ** 2).round(3).tolist()
    [0.5, 0.0, 0.5, 0.0]
    """
    hsv = cv2.cvtColor(cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2HSV)
    limits = [0.0, 180.0, 0.0, 256.0, 0.0, 256.0]  # OpenCV's 8-bit hue runs 0…179
    found = [
        cv2.calcHist([stripe], [0, 1, 2], None, list(bins), limits).ravel() for stripe in np.array_split(hsv, stripes)
    ]
    shares = np.stack([counts / counts.sum() for counts in found])
    return np.sqrt(shares / stripes, dtype=np.float32).ravel()


def describe_histogram(
    records: Sequence[Record], *, stripes: int = 6, bins: tuple[int, int, int] = (8, 4, 4)
) -> Descriptors:
    """Colour histograms of images as descriptors, to be compared by Euclidean distance.

    Args:
        records: N images.
        stripes: number of horizontal stripes S.
        bins: number of bins for hue, saturation and value.

    Returns:
        Features (N, 1, S · D) with pids, camids and paths.

    Raises:
        UserError: an image is missing or unreadable; it is named.
    """
    features = np.empty((len(records), stripes * int(np.prod(bins))), np.float32)
    for row, record in enumerate(records):
        features[row] = stripe_histogram(read_image(record.path), stripes=stripes, bins=bins)
    return Descriptors(
        torch.from_numpy(features),
        pids=torch.tensor([r.pid for r in records], dtype=torch.int64),
        camids=torch.tensor([r.camid for r in records], dtype=torch.int64),
        paths=[str(r.path) for r in records],
    )
