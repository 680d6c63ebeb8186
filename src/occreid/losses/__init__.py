"""Losses: tensors in, one scalar out; always in float32, also under autocast; none of them logs."""

from occreid.losses.bounded_exponential import BoundedExponentialLoss, bounded_exponential
from occreid.losses.camera_triplet import CameraTripletLoss, camera_constrained
from occreid.losses.distillation import DistillationLoss, align_width, logits_divergence
from occreid.losses.feature_distillation import FeatureDistillation
from occreid.losses.focal_parsing import FocalParsingLoss
from occreid.losses.metric import MetricLoss, metric_criterion
from occreid.losses.ratio import ratio_loss
from occreid.losses.supervised_contrastive import SupervisedContrastiveLoss, supervised_contrastive
from occreid.losses.triplet import BatchHardTripletLoss, batch_hard
from occreid.losses.visible_triplet import VisibleTripletLoss

__all__ = [
    "BatchHardTripletLoss",
    "BoundedExponentialLoss",
    "CameraTripletLoss",
    "DistillationLoss",
    "FeatureDistillation",
    "FocalParsingLoss",
    "MetricLoss",
    "SupervisedContrastiveLoss",
    "VisibleTripletLoss",
    "align_width",
    "batch_hard",
    "bounded_exponential",
    "camera_constrained",
    "logits_divergence",
    "metric_criterion",
    "ratio_loss",
    "supervised_contrastive",
]
