"""Losses: tensors in, one scalar out; always in float32, also under autocast; none of them logs."""

from occreid.losses.triplet import BatchHardTripletLoss, batch_hard

__all__ = ["BatchHardTripletLoss", "batch_hard"]
