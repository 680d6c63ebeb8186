"""The metric losses that methods choose from, by name."""

from __future__ import annotations

from typing import Literal

from torch import nn

from occreid.losses.supervised_contrastive import SupervisedContrastiveLoss
from occreid.losses.triplet import BatchHardTripletLoss

MetricLoss = Literal["triplet", "contrastive"]


def metric_criterion(name: MetricLoss, margin: float, temperature: float) -> nn.Module:
    """(features, labels) → a scalar, by a loss before the neck.

    Args:
        name: the batch-hard triplet loss, or the supervised contrastive loss, which does not see lengths.
        margin: of the first, on Euclidean distance.
        temperature: of the second.
    """
    return BatchHardTripletLoss(margin) if name == "triplet" else SupervisedContrastiveLoss(temperature)
