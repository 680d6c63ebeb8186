"""Losses: tensors in, one scalar out; always in float32, also under autocast; none of them logs."""

from occreid.losses.bounded_exponential import BoundedExponentialLoss, bounded_exponential
from occreid.losses.focal_parsing import FocalParsingLoss
from occreid.losses.triplet import BatchHardTripletLoss, batch_hard
from occreid.losses.visible_triplet import VisibleTripletLoss

__all__ = [
    "BatchHardTripletLoss",
    "BoundedExponentialLoss",
    "FocalParsingLoss",
    "VisibleTripletLoss",
    "batch_hard",
    "bounded_exponential",
]
