"""Network blocks shared by methods.

Each is loaded when it is first asked for: those built on timm and torchvision take a second that whoever searches a
gallery with an exported model, or counts it, should not wait.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "attention": (
        "ChannelAttention",
        "SpatialAttention",
    ),
    "backbone": (
        "create_backbone",
        "create_trunk",
    ),
    "batched_heads": (
        "BatchedLinear",
        "BatchedNorm",
    ),
    "bnneck": ("BNNeck",),
    "gradients": ("gradient_size",),
    "graph": ("OutlierRemovableGNN",),
    "instance_norm": ("Ibn",),
    "modes": ("evaluating",),
    "moving_mean": ("MovingMean",),
    "non_local": (
        "DisentangledNonLocal",
        "NonLocal",
    ),
    "normalised_heads": ("NormalisedHeads",),
    "parts": (
        "ParsingHead",
        "masked_max_pool",
        "part_targets",
    ),
    "pooling": ("GeM",),
    "pyramid": ("FeaturePyramid",),
    "reconstructive": ("ReconstructivePooling",),
    "token_predictor": ("TokenPredictor",),
    "transformer": (
        "class_feature",
        "create_vit",
    ),
    "trunk": (
        "Trunk",
        "pixel_statistics",
    ),
    "windows": (
        "pool_stripes",
        "pool_windows",
        "window_max",
        "window_mean",
        "window_spans",
    ),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
