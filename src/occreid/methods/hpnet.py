"""HPNet: part features from human parsing, compared where both images show the part.

Source: Huang, Chen, Huang 2020, "Human Parsing Based Alignment with Multi-task Learning for Occluded Person
Re-identification" (ICME). Table 4's rows are switches: ``parsing=False`` is its baseline, ``visibility=False`` its
test without visibility, then ``share_conv5``, ``lambda_tri=0``, and a recipe without ``data.parsing``.

Letters: B images, P = 4 parts, D channels, h × w positions of Conv5, C identities.
F feature maps, G probability maps, Ĝ binary masks, h pooled features, f the same after BN, v visibility.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import FocalParsingLoss, VisibleTripletLoss
from occreid.models.contract import Method, PartParser
from occreid.nn import BNNeck, Ibn, ParsingHead, create_trunk, masked_max_pool, part_targets
from occreid.records import PART_NAMES, Batch


class HPNet(Method, PartParser):
    """One Conv5 branch per body part, each with its own parsing head, neck and classifier.

    Args:
        num_classes: training identities C.
        backbone: a convolutional timm network, see `occreid.nn.trunk`; its last stage becomes the branches.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file; every branch starts from the same last stage.
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`.
        last_stride: stride of Conv5.
        parsing: False is the paper's baseline: one branch, max pooling over the whole image, no parsing loss.
        share_conv5: the branches share one Conv5; heads, necks and classifiers stay their own.
        visibility: False compares all parts of all images, as the paper's row without visibility does; only in
            `describe`, training does not change.
        lambda_ide: weight of the identification loss, like the following ones 0 or more (Eq. 10).
        lambda_tri: weight of the triplet loss.
        lambda_seg: weight of the parsing loss of the identified images; with 0 they need no masks.
        lambda_coco: weight of the parsing loss of the second stream.
        margin: M of the triplet loss.
        alpha: weight of positive positions in the parsing loss.
        gamma: focal exponent of the parsing loss.
        threshold: T, the probability above which a position belongs to the part.
        coverage: share of a position's cell that a part must cover in the training mask to count there. The paper
            does not say how it brings masks to Conv5's size; at 128×64 pixels half a cell would lose most heads.
        parsing_channels: width of the parsing heads (not in the paper).
    """

    metric = "visible_parts"
    input_size = (384, 128)

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        last_stride: int = 1,
        parsing: bool = True,
        share_conv5: bool = False,
        visibility: bool = True,
        lambda_ide: float = 1.0,
        lambda_tri: float = 0.1,
        lambda_seg: float = 1.0,
        lambda_coco: float = 1.0,
        margin: float = 0.3,
        alpha: float = 0.25,
        gamma: float = 2.0,
        threshold: float = 0.5,
        coverage: float = 0.25,
        parsing_channels: int = 256,
    ) -> None:
        super().__init__()
        self.backbone = create_trunk(backbone, pretrained, last_stride, ibn=ibn)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        dim, parts = self.backbone.num_features, len(PART_NAMES) if parsing else 1
        (conv5,) = self.backbone.cut(4)  # the trunk then ends with Conv4
        copies = 1 if share_conv5 or not parsing else parts
        self.conv5 = nn.ModuleList([conv5, *(deepcopy(conv5) for _ in range(copies - 1))])
        self.heads = nn.ModuleList(ParsingHead(dim, parsing_channels) for _ in range(parts if parsing else 0))
        self.necks = nn.ModuleList(BNNeck(dim, num_classes) for _ in range(parts))
        self.triplet = VisibleTripletLoss(margin)
        self.focal = FocalParsingLoss(alpha, gamma)
        self.visibility = visibility
        self.learns_parts = parsing and lambda_seg > 0
        self.lambda_ide, self.lambda_tri, self.lambda_seg = lambda_ide, lambda_tri, lambda_seg
        self.lambda_coco, self.threshold, self.coverage = lambda_coco, threshold, coverage

    def maps(self, images: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """(B, 3, H, W) → Conv5's maps, one (B, D, h, w) per part, and parsing logits (B, P, h, w) with heads."""
        trunk = self.backbone(self.normalize(images))
        features = [conv5(trunk) for conv5 in self.conv5]  # F
        features *= len(self.necks) // len(features)  # a shared Conv5 serves all parts
        if not self.heads:
            return features, None
        return features, torch.stack([head(f) for head, f in zip(self.heads, features, strict=True)], 1)

    def pooled(self, features: list[Tensor], logits: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features h (B, P, D) and v (B, P) bool; without parsing the one part is the whole image."""
        if logits is None:
            whole = features[0].amax((2, 3))[:, None]
            return whole, whole.new_ones(whole.shape[:2], dtype=torch.bool)
        mask = logits.sigmoid() > self.threshold  # Ĝ = 1{G > T}
        h = torch.stack([masked_max_pool(f, m) for f, m in zip(features, mask.unbind(1), strict=True)], 1)
        return h, mask.flatten(2).any(2)  # h = GMP(F ⊗ Ĝ), v = max(Ĝ)

    def necked(self, h: Tensor) -> Tensor:
        """Features f = BN(h), (B, P, D) → (B, P, D)."""
        return torch.stack([neck(part) for neck, part in zip(self.necks, h.unbind(1), strict=True)], 1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id``, ``triplet`` and, with heads, ``seg``, weighted as in Eq. 10.

        Raises:
            UserError: the parsing loss needs masks that the batch does not carry.
        """
        features, logits = self.maps(batch.images)
        h, v = self.pooled(features, logits)
        losses = {
            "id": self.lambda_ide * self._identification(h, v, batch.labels),
            "triplet": self.lambda_tri * self.triplet(h, v, batch.labels),
        }
        if logits is not None and self.lambda_seg:
            losses["seg"] = self.lambda_seg * self._parsing(logits, batch)
        return losses

    def parsing_losses(self, batch: Batch) -> dict[str, Tensor]:
        """``seg_coco``: the parsing loss of a batch of the second stream (Eq. 10, last term)."""
        _, logits = self.maps(batch.images)
        if logits is None:
            raise UserError("hpnet without parsing has no parsing loss.", "Set data.parsing to null.")
        return {"seg_coco": self.lambda_coco * self._parsing(logits, batch)}

    def _identification(self, h: Tensor, v: Tensor, labels: Tensor) -> Tensor:
        """Eq. 2: cross-entropy of each part's classifier, visible parts only, summed over parts."""
        pairs = zip(self.necks, self.necked(h).unbind(1), strict=True)
        logits = torch.stack([neck.classifier(f) for neck, f in pairs], 2)  # type: ignore[operator]  # (B, C, P)
        entropy = cross_entropy(logits.float(), labels[:, None].expand(v.shape), reduction="none")  # (B, P)
        return (entropy * v).sum(1).mean()

    def _parsing(self, logits: Tensor, batch: Batch) -> Tensor:
        if batch.masks is None:
            raise UserError(
                "hpnet learns to parse and the training images have no part masks.",
                "Set data.masks to true or to a folder of 'occreid parse', or method.options.lambda_seg to 0.",
            )
        height, width = logits.shape[2:]
        return self.focal(logits, part_targets(batch.masks, logits.shape[1], (height, width), self.coverage))

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """Features f (B, P, D) and v (B, P), which `occreid.distances` compares by Eq. 1; masks are never read."""
        h, v = self.pooled(*self.maps(images))
        return Descriptors(self.necked(h), v if self.visibility else torch.ones_like(v))

    def parse(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 1 + P, h, w) scores; the label of a position is the channel of the largest.

        Channel 0, the background, scores the threshold T: a position belongs to the likeliest part above it.

        Raises:
            UserError: the model was built without parsing.
        """
        _, logits = self.maps(images)
        if logits is None:
            raise UserError("hpnet without parsing cannot parse.", "Use a model with method.options.parsing true.")
        probabilities = logits.float().sigmoid()
        return torch.cat([torch.full_like(probabilities[:, :1], self.threshold), probabilities], 1)

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """G: where the method sees each part."""
        _, logits = self.maps(images)
        if logits is None:
            return {}
        return dict(zip(PART_NAMES, logits.float().sigmoid().unbind(1), strict=True))

    def backbone_layers(self, stages: int = 4) -> list[nn.Module]:
        """The trunk, and for all four stages the branches of Conv5."""
        return [*super().backbone_layers(stages), *(self.conv5 if stages == 4 else ())]

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Pretrained layers at ``lr``, new ones at twice that (Section 4.1)."""
        old = [p for module in (self.backbone, self.conv5) for p in module.parameters() if p.requires_grad]
        new = [p for module in (self.heads, self.necks) for p in module.parameters() if p.requires_grad]
        return [{"params": old, "lr": lr}, {"params": new, "lr": 2 * lr}]
