"""The strong baseline: ResNet-50, last stride 1, BNNeck, smoothed ID loss and batch-hard triplet loss.

Source: Luo et al. 2019, "Bag of Tricks and a Strong Baseline for Deep Person Re-identification".
Letters: B images, D dimensions, C identities.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

from occreid.data.occlusion.noda import Noda
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import MetricLoss, metric_criterion
from occreid.models.occluding import OccludingMethod
from occreid.nn import BNNeck, GeM, Ibn, create_trunk
from occreid.records import Batch


class Baseline(OccludingMethod):
    """A network with BNNeck, the reference row of every table.

    Args:
        num_classes: training identities C.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`.
        last_stride: stride of the last stage, 1 or 2.
        pooling: global average or generalised-mean pooling.
        metric_loss: on the feature before the neck: the batch-hard triplet loss of the source, or the supervised
            contrastive loss (Khosla et al., NeurIPS 2020), which does not depend on the feature's length.
        margin: triplet margin on Euclidean distance.
        temperature: of the contrastive loss.
        label_smoothing: ε of the ID loss, spread as ε/C over all classes.
        noda: double each batch: one copy erased and patched, one behind an occluder (SUReID, Section III-C); keep
            the recipe's ``data.transform.erase`` at 0.
        occluders: ``"procedural"`` or a folder of cut-outs, for ``noda``.
        shared_occluder: how many pictures of a batch stand behind the same occluder, see `Noda`.
    """

    metric = "cosine"

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        last_stride: Literal[1, 2] = 1,
        pooling: Literal["avg", "gem"] = "avg",
        metric_loss: MetricLoss = "triplet",
        margin: float = 0.3,
        temperature: float = 0.1,
        label_smoothing: float = 0.1,
        noda: bool = False,
        occluders: str = "procedural",
        shared_occluder: int = 1,
    ) -> None:
        super().__init__()
        self.backbone = create_trunk(backbone, pretrained, last_stride, ibn=ibn)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        self.pool = GeM() if pooling == "gem" else None
        self.neck = BNNeck(self.backbone.num_features, num_classes)
        self.metric_loss = metric_loss
        self.criterion = metric_criterion(metric_loss, margin, temperature)
        self.label_smoothing = label_smoothing
        if shared_occluder < 1:
            raise UserError(
                f"an occluder for {shared_occluder} pictures is impossible.", "Set shared_occluder to 1 or more."
            )
        self.noda = Noda(occluders, shared=shared_occluder) if noda else None

    def pooled(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D), the feature before the neck."""
        feature_map = self.backbone(self.normalize(images))  # (B, D, h, w)
        return feature_map.mean((2, 3)) if self.pool is None else self.pool(feature_map)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id`` and ``triplet`` or ``contrastive``."""
        feature = self.pooled(batch.images)
        logits = self.neck.logits(self.neck(feature))
        return {
            "id": cross_entropy(logits.float(), batch.labels, label_smoothing=self.label_smoothing),
            self.metric_loss: self.criterion(feature, batch.labels),
        }

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the feature after the neck."""
        return Descriptors(self.neck(self.pooled(images)))
