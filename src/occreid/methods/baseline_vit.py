"""The transformer baseline: ViT or DeiT, class token, BNNeck, smoothed ID loss and batch-hard triplet loss.

Source: He et al. 2021, "TransReID", Section 3.1 (its baseline, without camera embedding or jigsaw). With ``triplet:
camera`` and ``noda: true`` it is the teacher of SUReID (Section IV-B). With ``teacher`` it learns, with or without
labels, what a convolutional network sees: a start for transformers where ImageNet weights of none are at hand.
Letters: B images, D dimensions, C identities.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from occreid.data.occlusion.noda import Noda
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import BatchHardTripletLoss, CameraTripletLoss, FeatureDistillation
from occreid.models.contract import Stage
from occreid.models.locate import is_named, locate
from occreid.models.occluding import OccludingMethod
from occreid.nn import BNNeck, Trunk, class_feature, create_trunk, create_vit, pixel_statistics
from occreid.records import Batch

NO_TEACHER = "none"


class BaselineViT(OccludingMethod):
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
        teacher: ``"none"``, or a convolutional timm network to learn from, see `occreid.losses.FeatureDistillation`;
            read when training starts.
        teacher_weights: of the teacher, as ``pretrained``: ImageNet's, a model's name, or the run folder of a method
            on that network.
        teacher_dim: channels of its last map; 1,280 is EfficientNet-Lite0's.
        distill_weight: of what the teacher says.
        labels: False leaves the ID and the triplet loss out: only the teacher counts.
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
        teacher: str = NO_TEACHER,
        teacher_weights: str = "imagenet",
        teacher_dim: int = 1280,
        distill_weight: float = 1.0,
        labels: bool = True,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        self.backbone = create_vit(backbone, pretrained, img_size=(height, width), drop_path_rate=drop_path)
        self.expect_pixels(*pixel_statistics(self.backbone))
        self.neck = BNNeck(self.backbone.num_features, num_classes)
        self.triplet = BatchHardTripletLoss(margin) if triplet == "plain" else CameraTripletLoss(margin)
        self.noda = Noda(occluders) if noda else None
        self.label_smoothing = label_smoothing
        if not labels and teacher == NO_TEACHER:
            raise UserError("baseline_vit without labels and without a teacher learns nothing.", "Name a teacher.")
        self.teacher_name, self.teacher_weights, self.distill_weight = teacher, teacher_weights, distill_weight
        distills = teacher != NO_TEACHER
        self.distill = FeatureDistillation(self.backbone.num_features, teacher_dim) if distills else None
        self._teacher: list[Trunk] = []  # in a list it is no submodule: not saved, not trained, never in train mode
        self.labels = labels
        if not labels:
            self.neck.requires_grad_(False)  # nothing would reach it

    def class_token(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D), the class token before the neck."""
        return class_feature(self.backbone, self.backbone.forward_features(self.normalize(images)))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id`` and ``triplet`` with labels; ``distill_patches`` and ``distill_class`` with a teacher."""
        tokens = self.backbone.forward_features(self.normalize(batch.images))  # (B, 1 + N, D)
        feature = class_feature(self.backbone, tokens)
        losses = self._of_labels(feature, batch) if self.labels else {}
        if self.distill is not None:
            patches, grid = tokens[:, self.backbone.num_prefix_tokens :], self.backbone.patch_embed.grid_size
            told = self.distill(feature, patches, self.ask_teacher(batch.images), grid)
            losses |= {name: self.distill_weight * loss for name, loss in told.items()}
        return losses

    def _of_labels(self, feature: Tensor, batch: Batch) -> dict[str, Tensor]:
        logits = self.neck.logits(self.neck(feature))
        cameras = (batch.camids,) if isinstance(self.triplet, CameraTripletLoss) else ()
        return {
            "id": cross_entropy(logits.float(), batch.labels, label_smoothing=self.label_smoothing),
            "triplet": self.triplet(feature, batch.labels, *cameras),
        }

    def stages(self) -> tuple[Stage, ...]:
        """One leg; the teacher is read here, so that what is wrong with it shows before it starts."""
        if self.distill is not None:
            self.teacher()
        return super().stages()

    def teacher(self) -> Trunk:
        """The frozen teacher, in eval mode; its last stage strides by 1, so that its map is as fine as patches of 16.

        Raises:
            UserError: no such network, no weights, or another width than ``teacher_dim``.
        """
        if not self._teacher:
            named = is_named(self.teacher_weights)
            trunk = create_trunk(
                self.teacher_name, str(locate(self.teacher_weights)) if named else self.teacher_weights, 1
            )
            assert self.distill is not None  # asked for by those who distil
            if trunk.num_features != self.distill.whole.out_features:
                raise UserError(
                    f"the teacher {self.teacher_name} has {trunk.num_features} channels, teacher_dim is "
                    f"{self.distill.whole.out_features}.",
                    f"Set method.options.teacher_dim to {trunk.num_features}.",
                )
            self._teacher.append(trunk.eval().requires_grad_(False))
        return self._teacher[0]

    @torch.no_grad()
    def ask_teacher(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → the teacher's last map (B, D', h, w), of pixels as its own weights expect them."""
        trunk = self.teacher().to(images.device)
        pixels = images.float() / 255 if images.dtype == torch.uint8 else images
        mean, std = (pixels.new_tensor(each).view(3, 1, 1) for each in (trunk.pixel_mean, trunk.pixel_std))
        return trunk((pixels - mean) / std)

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the class token after the neck."""
        return Descriptors(self.neck(self.class_token(images)))
