"""The layers of a backbone from its input on, to be frozen or trained at a rate of their own."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import nn

from occreid.errors import UserError


@runtime_checkable
class HasFirst(Protocol):
    """A backbone that knows its first stages, e.g. `occreid.nn.Trunk`."""

    def first(self, stages: int) -> list[nn.Module]:
        """The stem and so many stages, without what a method has added."""
        ...


def first_layers(backbone: nn.Module, stages: int) -> list[nn.Module]:
    """Stem and first stages of a backbone.

    Args:
        backbone: a `Trunk`, or a timm ViT, whose stages are quarters of its blocks and whose stem are its embeddings.
        stages: 0 is the stem alone, 4 everything that starts from weights.

    Raises:
        UserError: a backbone of another kind.
    """
    from timm.models.vision_transformer import VisionTransformer  # a second that only training pays

    if isinstance(backbone, VisionTransformer):
        loose = [p for p in (backbone.cls_token, backbone.reg_token, backbone.pos_embed) if p is not None]
        blocks = list(backbone.blocks)[: len(backbone.blocks) * stages // 4]
        return [backbone.patch_embed, nn.ParameterList(loose), *blocks, *([backbone.norm] if stages == 4 else [])]
    if isinstance(backbone, HasFirst):
        return backbone.first(stages)
    raise UserError(
        f"the stages of a {type(backbone).__name__} are not known.",
        "Leave training.freeze_stages null, training.keep_statistics false and optimizer.backbone_factor 1.",
    )
