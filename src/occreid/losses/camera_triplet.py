"""Triplet loss whose positives come from other cameras and whose negatives come from the same camera.

Source: SUReID, Section IV-B (its teacher's "camera-constrained triplet loss", after SRFR): what a camera adds to every
picture it takes makes positives of one camera easy and negatives of another camera easy; neither teaches much.

Letters: B images in a batch, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from occreid.distances import euclidean
from occreid.losses.margin import MarginLoss, over_anchors


def camera_constrained(distances: Tensor, labels: Tensor, camids: Tensor, margin: float | None) -> Tensor:
    """Batch-hard triplet loss within the cameras' constraint, over a given distance matrix.

    An anchor's positive is the farthest image of its person in another camera, or in any where there is none; its
    negative the nearest image of another person in its own camera, or in any where there is none.

    Args:
        distances: (B, B) distances ≥ 0.
        labels: (B,) identity of each image.
        camids: (B,) camera of each image.
        margin: hinge margin ≥ 0; None is the soft margin log(1 + exp(·)).

    Returns:
        Scalar float32: the mean over anchors with a positive and a negative; 0 when there is none.

    >>> d = torch.tensor([[0.0, 2.0, 1.0, 9.0], [2.0, 0.0, 5.0, 9.0], [1.0, 5.0, 0.0, 9.0], [9.0, 9.0, 9.0, 0.0]])
    >>> camera_constrained(d, torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 0]), margin=4.0)
    tensor(0.5000)
    """
    distances = distances.float()
    same_person = labels.unsqueeze(0) == labels.unsqueeze(1)  # (B, B)
    same_camera = camids.unsqueeze(0) == camids.unsqueeze(1)
    positive = same_person & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    usable = positive.any(1) & (~same_person).any(1)
    positive = _where_possible(positive, ~same_camera)
    negative = _where_possible(~same_person, same_camera)
    farthest = distances.masked_fill(~positive, -torch.inf).amax(1)[usable]
    nearest = distances.masked_fill(~negative, torch.inf).amin(1)[usable]
    gap = farthest - nearest
    return over_anchors(gap, usable, margin)


def _where_possible(pairs: Tensor, constraint: Tensor) -> Tensor:
    """The pairs that meet the constraint; of an anchor that has none, all its pairs."""
    constrained = pairs & constraint
    return torch.where(constrained.any(1, keepdim=True), constrained, pairs)


class CameraTripletLoss(MarginLoss):
    """`camera_constrained` over `distances.euclidean`."""

    def forward(self, features: Tensor, labels: Tensor, camids: Tensor) -> Tensor:
        """Scalar loss of (B, D) features (not normalised here), (B,) identities and (B,) cameras."""
        return camera_constrained(euclidean(features, features), labels, camids, self.margin)
