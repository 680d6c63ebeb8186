"""HAN: a hybrid-attention guided network with multiple resolution features.

Source: "Hybrid-Attention Guided Network with Multiple Resolution Features for Person Re-Identification" (2020, arXiv
2009.07536); sections and equations below are the paper's. Eq. 6, the learning rate, is the recipes' schedule.

Letters: B images, C channels of the fused map, k stripes = levels, P = k (k + 1) / 2 windows, D dimensions of a
window's feature.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d, normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import MetricLoss, metric_criterion
from occreid.models.contract import Method
from occreid.nn import (
    BatchedLinear,
    BatchedNorm,
    ChannelAttention,
    Ibn,
    SpatialAttention,
    create_trunk,
    pool_stripes,
    pool_windows,
    window_mean,
)
from occreid.records import Batch

Order = Literal[
    "concat",
    "S-concat",
    "concat-C",
    "concat-C-S",
    "C-S-concat",
    "C-concat-S",
    "concat-S-C",
    "S-C-concat",
    "S-concat-C",
]
"""Where spatial (S) and channel (C) attention stand around the concatenation of the stages; Table IX's nine rows."""

_REDUCTION = 16  # of the fused map: pixels to a position, in both directions


class HAN(Method):
    """Four resolutions fused under attention, described through overlapping windows of six stripes.

    Tables VI to VIII: ``k=1`` is "no MGO", ``mpfe=False`` "no MPFE", ``attention`` says which of SAM and CAM there
    are and in which order (Table IX), ``fused_stages`` which stages (Table X). Of the bag of tricks only label
    smoothing is the method's; random erasing and warm-up are the recipe's.

    Args:
        num_classes: training identities.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`.
        height: input height in pixels; its 1/16 must be divisible by k.
        width: input width in pixels.
        fused_stages: stages of the backbone to fuse, of 1, 2, 3, 4; later ones are not built.
        attention: see `Order`.
        k: number of stripes, and of granularities.
        mpfe: multi-pool feature extractor; without it a window's mean is its feature.
        reduced: dimension after the extractor's 1×1 convolution.
        dim: D of a window's feature.
        metric_loss: of each level, as `Baseline`'s; the paper's is the batch-hard triplet loss.
        margin: triplet margin on Euclidean distance.
        temperature: of the contrastive loss.
        triplet_feature: the metric losses' features: before the last batch normalisation, as the paper says, or after
            it, as its authors' code does (whose figures also come with mirror images at test time: ``flip_test``).
        levels: granularities p whose windows the descriptor has, of 1 … k; None: all. Acts at test time only.
        label_smoothing: ε of the ID losses, spread over all classes.

    Raises:
        UserError: k does not divide the map's rows, stages named twice or none, a backbone without stages.
    """

    metric = "cosine"

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        height: int = 384,
        width: int = 128,
        fused_stages: tuple[Literal[1, 2, 3, 4], ...] = (1, 2, 3, 4),
        attention: Order = "S-concat-C",
        k: int = 6,
        mpfe: bool = True,
        reduced: int = 256,
        dim: int = 512,
        metric_loss: MetricLoss = "triplet",
        margin: float = 1.0,
        temperature: float = 0.1,
        triplet_feature: Literal["pre", "post"] = "pre",
        levels: tuple[int, ...] | None = None,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        _check(height, k, fused_stages)
        self.fused_stages: list[int] = sorted(fused_stages)
        self.backbone = create_trunk(backbone, pretrained, last_stride=1, ibn=ibn)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        self.backbone.cut(self.fused_stages[-1] + 1)
        channels = [self.backbone.channels[stage - 1] for stage in self.fused_stages]
        before, _, after = attention.partition("concat")
        self.before = nn.ModuleList(_weighting(before, c) for c in channels)
        self.after = _weighting(after, sum(channels))
        self.k = k
        windows = k * (k + 1) // 2
        self.extractor = MultiPoolExtractor(windows, sum(channels), reduced, dim) if mpfe else MeanExtractor()
        self.norm = BatchedNorm(windows, dim if mpfe else sum(channels))
        self.classifier = BatchedLinear(windows, dim if mpfe else sum(channels), num_classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.metric_loss = metric_loss
        self.criterion = metric_criterion(metric_loss, margin, temperature)
        self.label_smoothing, self.triplet_feature = label_smoothing, triplet_feature
        self.levels = _checked_levels(levels, k)

    def fused(self, images: Tensor) -> Tensor:
        """Sections III-A and B: (B, 3, H, W) → (B, C, H/16, W/16)."""
        return self.after(self._concatenated(self._stage_maps(images)))

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The windows' features before and after the last batch normalisation: (B, 3, H, W) → 2 × (P, B, D)."""
        feature = self.extractor(*pool_stripes(self.fused(images), self.k))
        return feature, self.norm(feature)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 5: ``id``, the mean of P ID losses; ``triplet`` or ``contrastive``, the mean of k losses, one a level."""
        feature, normalised = self.features(batch.images)
        logits = self.classifier(normalised)  # (P, B, identities)
        labels = batch.labels.repeat(len(logits))
        compared = feature if self.triplet_feature == "pre" else normalised
        levels = [level.transpose(0, 1).flatten(1) for level in compared.split([*range(1, self.k + 1)])]  # k × (B, p·D)
        return {
            "id": cross_entropy(logits.float().flatten(0, 1), labels, label_smoothing=self.label_smoothing),  # Eq. 3
            self.metric_loss: torch.stack([self.criterion(level, batch.labels) for level in levels]).mean(),  # Eq. 4
        }

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part of unit length: all windows' normalised features in a row, (B, 1, P·D)."""
        by_level = self.features(images)[1].split([*range(1, self.k + 1)])
        normalised = torch.cat([by_level[level - 1] for level in self.levels])
        return Descriptors(normalize(normalised.transpose(0, 1).flatten(1).float(), dim=1))

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """The spatial attention of ``stage1`` … ``stage4``, or of ``fused`` where it follows the concatenation."""
        maps = self._stage_maps(images)
        shown = {
            f"stage{s}": _where(steps, x) for s, x, steps in zip(self.fused_stages, maps, self.before, strict=True)
        }
        shown["fused"] = _where(self.after, self._concatenated(maps))
        return {name: where.float() for name, where in shown.items() if where is not None}

    def _stage_maps(self, images: Tensor) -> list[Tensor]:
        """Each fused stage's own map, (B, C_s, H_s, W_s)."""
        return self.backbone.maps(self.normalize(images), self.fused_stages)

    def _concatenated(self, maps: list[Tensor]) -> Tensor:
        """The stages' maps, attended where the order says so, at one size in one map (B, C, H/16, W/16)."""
        attended = [steps(x) for x, steps in zip(maps, self.before, strict=True)]
        shrink = [_REDUCTION // self.backbone.strides[stage - 1] for stage in self.fused_stages]
        shrunk = [x if by == 1 else max_pool2d(x, by, ceil_mode=True) for by, x in zip(shrink, attended, strict=True)]
        return torch.cat(shrunk, 1)


def _checked_levels(levels: tuple[int, ...] | None, k: int) -> tuple[int, ...]:
    chosen = tuple(range(1, k + 1)) if levels is None else levels
    if not chosen or list(chosen) != sorted(set(chosen) & set(range(1, k + 1))):
        raise UserError(f"levels is {list(chosen)}, han has the levels 1 to {k}.", "Give some of them, rising.")
    return chosen


class MultiPoolExtractor(nn.Module):
    """MPFE of all windows at once (Section III-D): [max; mean] → 1×1 conv → BN → LeakyReLU(0.1) → linear.

    On a pooled window a 1×1 convolution is a linear layer. The paper's text says ReLU.

    Args:
        windows: P.
        channels: C.
        reduced: dimension after the convolution.
        dim: D.
    """

    def __init__(self, windows: int, channels: int, reduced: int, dim: int) -> None:
        super().__init__()
        self.reduce = BatchedLinear(windows, 2 * channels, reduced, bias=False)
        self.norm = BatchedNorm(windows, reduced)
        self.act = nn.LeakyReLU(0.1, inplace=True)
        self.linear = BatchedLinear(windows, reduced, dim)

    def forward(self, maximum: Tensor, mean: Tensor) -> Tensor:
        """Stripes' maxima and means, each (k, B, C) → (P, B, D)."""
        return self.linear(self.act(self.norm(self.reduce(pool_windows(maximum, mean)))))


class MeanExtractor(nn.Module):
    """What MPFE replaces: global average pooling of each window."""

    def forward(self, maximum: Tensor, mean: Tensor) -> Tensor:
        """Stripes' maxima and means, each (k, B, C) → (P, B, C)."""
        return window_mean(mean)


class Weighted(nn.Module):
    """Features times their attention.

    Args:
        attention: features → attention that broadcasts against them.
    """

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        return x * self.attention(x)


def _weighting(letters: str, channels: int) -> nn.Sequential:
    """Attention steps in the order of the letters S and C; none is the identity."""
    kinds = {"S": SpatialAttention, "C": lambda: ChannelAttention(channels)}  # Eqs. 1 and 2
    return nn.Sequential(*[Weighted(kinds[letter]()) for letter in letters.split("-") if letter])


def _where(steps: nn.Module, x: Tensor) -> Tensor | None:
    """The spatial attention (B, H, W) among the steps, on what reaches it; None if there is none."""
    for step in steps.children():
        assert isinstance(step, Weighted)
        if isinstance(step.attention, SpatialAttention):
            return step.attention(x)[:, 0]
        x = step(x)
    return None


def _check(height: int, k: int, stages: tuple[int, ...]) -> None:
    rows = -(-height // _REDUCTION)
    if k < 1 or rows % max(k, 1):
        divisors = ", ".join(str(d) for d in range(1, rows + 1) if rows % d == 0)
        raise UserError(
            f"han cannot cut the {rows} rows of its feature map (image height {height}) into k = {k} equal stripes.",
            f"Choose a k of {divisors}, or a height that is a multiple of 16 k.",
        )
    if not stages or len(set(stages)) < len(stages):
        raise UserError(f"han's fused_stages are {list(stages)}.", "Name each stage once, e.g. [2, 3, 4].")
