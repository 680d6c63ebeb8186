"""VEIL: one global feature of what can be seen, learned with things in front, meant to cost no more than the baseline.

No paper's method: this package's own combination of what the five papers propose, each part of it a switch. From
SUReID the occluders pasted in training (NODA) and the dropping of what shows nobody, here stripes of a convolutional
map instead of tokens; from HPNet a head that says where something is visible; from SSGR the single global feature and,
on demand, the momentum-effect elimination. The name: a veil hides a person and lets some of them through. What it
reaches: docs/study.md.

Letters: B images, C channels of stage 3, D of stage 4, h × w positions of stage 3, k stripes that are kept,
v visibility of positions in [0, 1], f the pooled feature, µ the moving mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    binary_cross_entropy_with_logits,
    cross_entropy,
)

from occreid.data.occlusion.noda import Noda
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import MetricLoss, metric_criterion
from occreid.models.occluding import OccludingMethod
from occreid.nn import BNNeck, GeM, Ibn, MovingMean, ParsingHead, create_trunk
from occreid.nn.pooling import weighted_mean
from occreid.nn.stripes import kept_stripes, take_stripes
from occreid.records import Batch

_FLOOR = 0.05  # of a position's weight: what the head takes for hidden still has some say, and its gradient a way back


class Veil(OccludingMethod):
    """Baseline with occluders in training, a visibility head, and stripes that are dropped before the last stage.

    With ``noda``, ``gate`` and ``me`` off and the triplet loss it is the baseline.

    The head learns from the batch: what was pasted over a picture is hidden, and so, where the training images have
    masks (``data.masks``), is all that is not the person. No mask is needed at test time.

    Args:
        num_classes: training identities.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`.
        last_stride: stride of the last stage, 1 or 2.
        pooling: global average or generalised-mean pooling.
        noda: double each batch: one copy erased and patched, one behind an occluder (SUReID, Section III-C).
        occluders: ``"procedural"`` or a folder of cut-outs.
        gate: pool positions by their visibility.
        keep: share of the horizontal stripes, those of most visibility, that stage 4 sees; 1 keeps all. Where nothing
            hides the person, dropping takes away what shows them (docs/study.md).
        me: descriptors are normalise(f) − µ (SSGR, Eq. 6) instead of the feature after the neck.
        beta: momentum of µ.
        visibility_weight: of the head's loss.
        head_channels: width of the head.
        metric_loss: on the feature before the neck, as `Baseline`'s. With occluders on half of the pictures the
            batch-hard triplet loss has made all features alike (docs/study.md).
        margin: triplet margin on Euclidean distance.
        temperature: of the contrastive loss.
        label_smoothing: ε of the ID loss, spread as ε/C over all classes.

    Raises:
        UserError: ``keep`` out of range, or stripes that nothing teaches to choose.
    """

    metric = "cosine"
    older: ClassVar[dict[str, Any]] = {"metric_loss": "triplet", "keep": 0.75}

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        last_stride: Literal[1, 2] = 1,
        pooling: Literal["avg", "gem"] = "gem",
        noda: bool = True,
        occluders: str = "procedural",
        gate: bool = True,
        keep: float = 1.0,
        me: bool = False,
        beta: float = 0.9,
        visibility_weight: float = 0.5,
        head_channels: int = 32,
        metric_loss: MetricLoss = "contrastive",
        margin: float = 0.3,
        temperature: float = 0.1,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 < keep <= 1:
            raise UserError(f"veil cannot keep {keep:g} of the stripes.", "Set keep above 0 and at most 1.")
        if keep < 1 and not (gate or (noda and visibility_weight)):
            raise UserError(
                "veil drops stripes by a visibility that nothing teaches: gate is off, and noda or its loss is.",
                "Turn gate on, or noda with a visibility_weight above 0; or set keep to 1.",
            )
        self.backbone = create_trunk(backbone, pretrained, last_stride, ibn=ibn)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        dim, before = self.backbone.num_features, self.backbone.channels[2]
        (self.last,) = self.backbone.cut(4)  # the trunk then ends with stage 3
        self.head = ParsingHead(before, head_channels) if gate or keep < 1 else None
        if self.head is not None:
            # until it has learned, all positions weigh alike: random weights halved a start's mAP
            nn.init.zeros_(self.head[-1].weight)  # type: ignore[arg-type]
        self.pool = GeM() if pooling == "gem" else None
        self.neck = BNNeck(dim, num_classes)
        self.momentum = MovingMean(dim, beta) if me else None
        self.metric_loss = metric_loss
        self.criterion = metric_criterion(metric_loss, margin, temperature)
        self.noda = Noda(occluders) if noda else None
        self.gate, self.keep = gate, keep
        self.visibility_weight, self.label_smoothing = visibility_weight, label_smoothing

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """B images → 2B with ``noda``; masks then say what is not hidden, of the person where there were masks."""
        if self.noda is not None and batch.masks is None:
            # everything is there to be seen until something is pasted over it
            batch = replace(batch, masks=torch.ones_like(batch.images[:, 0], dtype=torch.uint8))
        return super().augment(batch, generator)

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The map of stage 4 (B, D, h', w'), the head's logits (B, h, w), and the stripes (B, k) that were kept."""
        x = self.backbone(self.normalize(images))  # (B, C, h, w)
        if self.head is None:
            return self.last(x), None, None
        logits = self.head(x)
        if self.keep == 1:
            return self.last(x), logits, None
        rows = kept_stripes(logits.detach().float().sigmoid().mean(2), self.keep)  # (B, k)
        return self.last(take_stripes(x, rows)), logits, rows

    def pooled(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features f (B, D), before the neck, and the head's logits (B, h, w)."""
        x, logits, rows = self.maps(images)
        weights = None
        if self.gate and logits is not None:
            v = logits.float().sigmoid()
            v = v if rows is None else take_stripes(v, rows)
            weights = adaptive_avg_pool2d(v[:, None], (x.shape[2], x.shape[3]))[:, 0].clamp_min(_FLOOR)
        feature = weighted_mean(x.float(), weights) if self.pool is None else self.pool(x, weights)
        return feature, logits

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``id``, ``contrastive`` or ``triplet`` and, where the batch says what is hidden, ``visibility``."""
        f, logits = self.pooled(batch.images)
        id_logits = self.neck.logits(self.neck(f))
        losses = {
            "id": cross_entropy(id_logits.float(), batch.labels, label_smoothing=self.label_smoothing),
            self.metric_loss: self.criterion(f, batch.labels),
        }
        if logits is not None and batch.masks is not None and self.visibility_weight:
            seen = adaptive_avg_pool2d((batch.masks > 0).float()[:, None], (logits.shape[1], logits.shape[2]))[
                :, 0
            ]  # share of each cell
            losses["visibility"] = self.visibility_weight * binary_cross_entropy_with_logits(logits.float(), seen)
        if self.momentum is not None and self.training:
            self.momentum.update(f)  # SSGR, Eq. 6
        return losses

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the feature after the neck, or normalise(f) − µ; masks are never read."""
        f, _ = self.pooled(images)
        return Descriptors(self.neck(f) if self.momentum is None else self.momentum(f))

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """``visible``: v; ``kept``: the stripes that stage 4 sees, by their visibility."""
        _, logits, rows = self.maps(images)
        if logits is None:
            return {}
        v = logits.float().sigmoid()
        if rows is None:
            return {"visible": v}
        kept = torch.zeros_like(v).scatter_(1, rows[:, :, None].expand(-1, -1, v.shape[2]), take_stripes(v, rows))
        return {"visible": v, "kept": kept}

    def backbone_layers(self, stages: int = 4) -> list[nn.Module]:
        """The trunk, and for all four stages the last one that was cut off it."""
        return [*super().backbone_layers(stages), *([self.last] if stages == 4 else ())]
