"""Vision transformers of timm with a class token, which alone is the feature.

Letters: B images, N tokens of which the class token is the first, C channels.
"""

from __future__ import annotations

from typing import Any

import timm
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from occreid.errors import UserError
from occreid.nn.backbone import create_backbone


def create_vit(name: str, pretrained: str = "imagenet", **options: Any) -> VisionTransformer:
    """A timm ViT or DeiT; distillation and register tokens may follow its class token.

    Args:
        name: timm model name, e.g. ``"deit_small_distilled_patch16_224"``.
        pretrained: as `create_backbone`.
        options: passed to ``timm.create_model``, e.g. ``img_size``.

    Raises:
        UserError: no such network, one without a class token, or what `create_backbone` raises.
    """
    if not timm.is_model(name) or timm.models.is_model_in_modules(name, ("vision_transformer", "deit")):
        try:
            network = create_backbone(name, pretrained, global_pool="token", **options)
        except AssertionError:  # timm's for a network that averages its patches
            network = None
        if isinstance(network, VisionTransformer) and network.has_class_token:
            return network
    raise UserError(
        f"the backbone '{name}' is no vision transformer with a class token.",
        "Use a ViT or DeiT, e.g. 'deit_small_patch16_224'; 'occreid backbones' lists them.",
    )


def class_feature(vit: VisionTransformer, tokens: Tensor) -> Tensor:
    """The feature of a ViT: its class token.

    timm averages the class and the distillation token of a distilled DeiT; the distillation token was taught to
    answer like a classifier of ImageNet, and is left out here.

    Args:
        vit: whose tokens they are.
        tokens: (B, N, C) behind the last normalisation, the class token first.

    Returns:
        (B, C).
    """
    return vit.head_drop(vit.fc_norm(tokens[:, 0]))
