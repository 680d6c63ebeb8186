"""A parsing network: which pixel shows which body part. It makes the part masks that methods learn from.

No method, for it tells nobody apart, and not a paper's: a timm backbone, a feature pyramid and a classifier per pixel.
It stands where HPNet's authors used DANet (HPNet, Section 4.2); its test is intersection over union, not ranking.

Letters: B images, P = 4 parts, D channels, H × W pixels, h × w positions at a quarter of them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from occreid.data.occlusion.noda import Noda
from occreid.errors import UserError
from occreid.models.contract import PartParser, Stage
from occreid.nn import FeaturePyramid, create_trunk
from occreid.records import PART_NAMES, Batch


class Parser(PartParser):
    """Backbone → pyramid → background or one of four parts at each position.

    Args:
        num_classes: not used; identities mean nothing here.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        channels: width D of the pyramid.
        balance: exponent in [0, 1] by which rare classes of a batch weigh more: a class's weight is its share of the
            pixels to the power −balance; 0 is plain cross-entropy, 1 gives all classes equal say.
        occlude: share of training pictures of which a third to half is hidden behind a cut-out, the mask with it: a
            network that has seen whole people alone draws the parts that it cannot see.
        occluders: ``"procedural"`` or a folder of cut-outs.
    """

    learns_parts = True
    input_size = (384, 128)

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        channels: int = 128,
        balance: float = 0.5,
        occlude: float = 0.0,
        occluders: str = "procedural",
    ) -> None:
        super().__init__()
        self.backbone = create_trunk(backbone, pretrained)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        self.pyramid = FeaturePyramid(self.backbone.channels, channels)
        self.classify = nn.Conv2d(channels, 1 + len(PART_NAMES), 1)
        self.balance = balance
        if not 0 <= occlude <= 1:
            raise UserError(f"a share of {occlude:g} occluded pictures is impossible.", "Set occlude between 0 and 1.")
        self.occlude, self.noda = occlude, Noda(occluders)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D, h, w)."""
        return self.pyramid(self.backbone.maps(self.normalize(images)))

    def parse(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 1 + P, h, w) log-probabilities; channel 0 is the background."""
        return self.classify(self.features(images)).float().log_softmax(1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``parsing``: cross-entropy of every pixel at the masks' size.

        Raises:
            UserError: the batch carries no masks.
        """
        if batch.masks is None:
            raise UserError("parser learns from part masks and the training images have none.", "Set data.masks.")
        scores = interpolate(self.parse(batch.images), batch.masks.shape[1:], mode="bilinear", align_corners=False)
        labels = batch.masks.long()
        share = torch.bincount(labels.flatten(), minlength=scores.shape[1]) / labels.numel()
        weight = share.clamp_min(1e-3) ** -self.balance
        return {"parsing": cross_entropy(scores, labels, weight)}

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Hide part of a share of the pictures; what is hidden is background in their masks."""
        if not self.occlude or batch.masks is None:
            return batch
        chosen = (torch.rand(len(batch), generator=generator) < self.occlude).to(batch.images.device)
        images, masks = self.noda.occlude(batch.images, generator, batch.masks)
        assert masks is not None  # there were some
        images = torch.where(chosen[:, None, None, None], images, batch.images)
        return replace(batch, images=images, masks=torch.where(chosen[:, None, None], masks, batch.masks))

    def stages(self) -> tuple[Stage, ...]:
        """One leg; a folder of occluders is read here, so that what is wrong with it shows before it starts."""
        if self.occlude:
            _ = self.noda.library
        return super().stages()

    def parsing_losses(self, batch: Batch) -> dict[str, Tensor]:
        """``parsing_2``: the same loss of a second stream."""
        return {"parsing_2": self.losses(batch)["parsing"]}
