"""The transformer baseline: ViT or DeiT, class token, BNNeck, smoothed ID loss and batch-hard triplet loss.

Source: He et al. 2021, "TransReID", Section 3.1 (its baseline, without camera embedding or jigsaw). With ``triplet:
camera`` and ``noda: true`` it is the teacher of SUReID (Section IV-B).
Letters: B images, D dimensions, C identities.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from occreid.data.occlusion.noda import Noda
from occreid.descriptors import Descriptors
from occreid.losses import BatchHardTripletLoss, CameraTripletLoss
from occreid.models.contract import Method, Stage
from occreid.nn import BNNeck, class_feature, create_vit, pixel_statistics
from occreid.records import Batch


class BaselineViT(Method):
    """Vision transformer with BNNeck on the class token.

    Args:
        num_classes: training identities C.
        backbone: a timm ViT or DeiT with a class token, also distilled or with register tokens; position embeddings are
            interpolated to the input.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        height: input height in pixels, a multiple of the patch size.
        width: input width in pixels, a multiple of the patch size.
        drop_path: stochastic depth rate in [0, 1).
        margin: triplet margin on Euclidean distance, before the neck.
        triplet: ``"camera"`` draws positives from other cameras and negatives from the same one.
        noda: double the batch with occluders (`occreid.data.occlusion.noda`), as SUReID's students do.
        occluders: ``"procedural"`` or a folder of cut-outs, for ``noda``.
        label_smoothing: ε of the ID loss, spread as ε/C over all classes.
    """

    metric = "cosine"

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "vit_base_patch16_224",
        pretrained: str = "imagenet",
        height: int = 256,
        width: int = 128,
        drop_path: float = 0.1,
        margin: float = 0.3,
        triplet: Literal["plain", "camera"] = "plain",
        noda: bool = False,
        occluders: str = "procedural",
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        self.backbone = create_vit(backbone, pretrained, img_size=(height, width), drop_path_rate=drop_path)
        self.expect_pixels(*pixel_statistics(self.backbone))
        self.neck = BNNeck(self.backbone.num_features, num_classes)
        self.triplet = BatchHardTripletLoss(margin) if triplet == "plain" else CameraTripletLoss(margin)
        self.noda = Noda(occluders) if noda else None
        self.label_smoothing = label_smoothing

    def class_token(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D), the class token before the neck."""
        return class_feature(self.backbone, self.backbone.forward_features(self.normalize(images)))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id`` and ``triplet``."""
        feature = self.class_token(batch.images)
        logits = self.neck.logits(self.neck(feature))
        cameras = (batch.camids,) if isinstance(self.triplet, CameraTripletLoss) else ()
        return {
            "id": cross_entropy(logits.float(), batch.labels, label_smoothing=self.label_smoothing),
            "triplet": self.triplet(feature, batch.labels, *cameras),
        }

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """NODA, where asked for: twice the images."""
        return batch if self.noda is None else self.noda(batch, generator)

    def stages(self) -> tuple[Stage, ...]:
        """One leg; a folder of occluders is read here, so that what is wrong with it shows before it starts."""
        if self.noda is not None:
            _ = self.noda.library
        return super().stages()

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the class token after the neck."""
        return Descriptors(self.neck(self.class_token(images)))
