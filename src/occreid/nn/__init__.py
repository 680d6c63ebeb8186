"""Network blocks shared by methods."""

from occreid.nn.attention import ChannelAttention, SpatialAttention
from occreid.nn.backbone import create_backbone, create_trunk
from occreid.nn.batched_heads import BatchedLinear, BatchedNorm
from occreid.nn.bnneck import BNNeck
from occreid.nn.gradients import gradient_size
from occreid.nn.graph import OutlierRemovableGNN
from occreid.nn.instance_norm import Ibn
from occreid.nn.modes import evaluating
from occreid.nn.moving_mean import MovingMean
from occreid.nn.non_local import DisentangledNonLocal, NonLocal
from occreid.nn.normalised_heads import NormalisedHeads
from occreid.nn.parts import ParsingHead, masked_max_pool, part_targets
from occreid.nn.pooling import GeM
from occreid.nn.pyramid import FeaturePyramid
from occreid.nn.reconstructive import ReconstructivePooling
from occreid.nn.token_predictor import TokenPredictor
from occreid.nn.transformer import class_feature, create_vit
from occreid.nn.trunk import Trunk, pixel_statistics
from occreid.nn.windows import pool_stripes, pool_windows, window_max, window_mean, window_spans

__all__ = [
    "BNNeck",
    "BatchedLinear",
    "BatchedNorm",
    "ChannelAttention",
    "DisentangledNonLocal",
    "FeaturePyramid",
    "GeM",
    "Ibn",
    "MovingMean",
    "NonLocal",
    "NormalisedHeads",
    "OutlierRemovableGNN",
    "ParsingHead",
    "ReconstructivePooling",
    "SpatialAttention",
    "TokenPredictor",
    "Trunk",
    "class_feature",
    "create_backbone",
    "create_trunk",
    "create_vit",
    "evaluating",
    "gradient_size",
    "masked_max_pool",
    "part_targets",
    "pixel_statistics",
    "pool_stripes",
    "pool_windows",
    "window_max",
    "window_mean",
    "window_spans",
]
