"""The transformer baseline: ViT or DeiT, class token, BNNeck, smoothed ID loss and batch-hard triplet loss.

Source: He et al. 2021, "TransReID", Section 3.1 (its baseline, without camera embedding or jigsaw).
Letters: B images, D dimensions, C identities.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from occreid.descriptors import Descriptors
from occreid.losses import BatchHardTripletLoss
from occreid.methods.base import Method
from occreid.nn import BNNeck, create_backbone
from occreid.records import Batch


class BaselineViT(Method):
    """Vision transformer with BNNeck on the class token.

    Args:
        num_classes: training identities C.
        backbone: a timm ViT or DeiT with a class token; position embeddings are interpolated to the input.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        height: input height in pixels, a multiple of the patch size.
        width: input width in pixels, a multiple of the patch size.
        drop_path: stochastic depth rate in [0, 1).
        margin: triplet margin on Euclidean distance, before the neck.
        label_smoothing: ε of the ID loss, spread as ε/C over all classes.
    """

    metric = "cosine"
    pixel_mean = (0.5, 0.5, 0.5)
    pixel_std = (0.5, 0.5, 0.5)

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
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        self.backbone = create_backbone(
            backbone, pretrained, img_size=(height, width), drop_path_rate=drop_path, global_pool="token"
        )
        self.neck = BNNeck(int(self.backbone.num_features), num_classes)  # type: ignore[arg-type]
        self.triplet = BatchHardTripletLoss(margin)
        self.label_smoothing = label_smoothing

    def class_token(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D), the class token before the neck."""
        return self.backbone(self.normalize(images))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id`` and ``triplet``."""
        feature = self.class_token(batch.images)
        logits = self.neck.logits(self.neck(feature))
        return {
            "id": cross_entropy(logits.float(), batch.labels, label_smoothing=self.label_smoothing),
            "triplet": self.triplet(feature, batch.labels),
        }

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the class token after the neck."""
        return Descriptors(self.neck(self.class_token(images)))
