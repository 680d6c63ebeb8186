"""`embed` and `compare`: pictures as people hold them, described by any model.

Letters: N pictures, A and B pictures of two sides.
"""

from __future__ import annotations

from itertools import chain
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize as unit_length

from occreid.descriptors import Descriptors
from occreid.distances import Metric, distances
from occreid.errors import UserError
from occreid.models.mirror import Describing, describe
from occreid.models.pictures import Pictures, batches
from occreid.nn.modes import evaluating


class Describer(Describing, Protocol):
    """What a model must have to embed pictures."""

    input_size: tuple[int, int]
    metric: Metric


@torch.no_grad()
def embed(
    model: Describer,
    pictures: Pictures,
    *,
    bgr: bool = False,
    batch_size: int = 64,
    normalize: bool = False,
    flip_test: bool | None = None,
) -> Descriptors:
    """Descriptors of pictures of any kind and size, resized as in an evaluation.

    Args:
        model: works on the device it is on, in eval mode, and is given back in the mode it came in.
        pictures: files, Pillow pictures, uint8 arrays (h, w, 3), tensors (3, h, w), or anything that yields them.
        bgr: whether the colours of arrays and tensors come in OpenCV's order.
        batch_size: pictures described at once.
        normalize: give each part's feature the length 1, as other tools expect it; no metric here needs it.
        flip_test: average over picture and mirror image; None: as the model says.

    Returns:
        N descriptors on the model's device, with paths if every picture is a file.

    Raises:
        UserError: no picture, or one that cannot be read or is of another shape, type or range, naming it.
    """
    assert isinstance(model, nn.Module)
    device = next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
    pieces, names = [], []
    with evaluating(model):
        for images, files in batches(pictures, model.input_size, batch_size, bgr=bgr):
            pieces.append(describe(model, images.to(device), flip_test=flip_test))
            names += files
    if not pieces:
        raise UserError("there are no pictures to embed.", "Give at least one.")
    found = Descriptors.cat(pieces)
    features = unit_length(found.features, dim=-1) if normalize else found.features
    return Descriptors(features, found.visibility, paths=names if all(names) else None)


def compare(model: Describer, a: Pictures, b: Pictures, *, bgr: bool = False, batch_size: int = 64) -> Tensor:
    """Distances between all pictures of two sides under the model's metric, smaller for the same person.

    Returns:
        (A, B) float32; ``.item()`` of it for one picture each.

    Raises:
        UserError: see `embed`.
    """
    left, right = (embed(model, side, bgr=bgr, batch_size=batch_size) for side in (a, b))
    return distances(left, right, model.metric)
