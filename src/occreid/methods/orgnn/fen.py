"""FEN, the feature extractor network (Section 3.1, Eq. 1), and the trunk it shares with OAN.

Letters: B images, P = 6 parts, C channels of the trunk, D dimensions of a part.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, cross_entropy

from occreid.distances import euclidean
from occreid.losses import batch_hard
from occreid.nn import BatchedLinear, BatchedNorm, Ibn, create_trunk

STRIPES, HALVES = 4, 2
PARTS = STRIPES + HALVES
"""Four horizontal stripes from top to bottom, then the left and the right half."""


class TwoBranchTrunk(nn.Module):
    """A network that splits after the first block of its third stage; each branch is pooled its own way.

    Args:
        name: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: as `create_backbone`; both branches start from the same weights.
        last_stride: stride of the last stage, 1 or 2.
        ibn: as `create_trunk`.
        options: passed to timm.

    Raises:
        UserError: what `create_trunk` raises.
    """

    def __init__(self, name: str, pretrained: str, last_stride: int, ibn: Ibn = "none", **options: Any) -> None:
        super().__init__()
        trunk = create_trunk(name, pretrained, last_stride, ibn=ibn, **options)
        self.channels, self.pixel_mean, self.pixel_std = trunk.num_features, trunk.pixel_mean, trunk.pixel_std
        first, second, third, fourth = trunk.cut(1)
        self.shared = nn.Sequential(*trunk.stem_units(), first, second, third[0])
        self.stripes = nn.Sequential(*third[1:], fourth)
        self.halves = copy.deepcopy(self.stripes)

    def first(self, stages: int) -> list[nn.Module]:
        """The layers of the stem and of so many stages, of the third one only the shared block."""
        shared = list(self.shared)  # the last three are stages 1 and 2 and the first block of 3
        return [*shared[: len(shared) - max(0, 3 - stages)], *((self.stripes, self.halves) if stages == 4 else ())]

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, channels in, H, W) → the two branches' maps, (B, C, h, w) each."""
        shared = self.shared(images)
        return self.stripes(shared), self.halves(shared)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels in, H, W) → (P, B, C), the largest value of each channel within each part."""
        striped, halved = self.maps(images)
        parts = [adaptive_max_pool2d(striped, (STRIPES, 1)), adaptive_max_pool2d(halved, (1, HALVES))]
        return torch.cat([part.flatten(2) for part in parts], 2).permute(2, 0, 1)


class Reduce(nn.Sequential):
    """1×1 convolution, batch normalisation and ReLU on each pooled part: (P, B, C) → (P, B, D)."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__(BatchedLinear(PARTS, channels, dim, bias=False), BatchedNorm(PARTS, dim), nn.ReLU())


class FeatureExtractor(nn.Module):
    """Six sub-features of an image, each with its own classifier for training.

    Args:
        num_classes: training identities.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: as `create_backbone`.
        last_stride: of the last stage.
        dim: D.
        ibn: as `create_trunk`.
    """

    def __init__(
        self, num_classes: int, backbone: str, pretrained: str, last_stride: int, dim: int, ibn: Ibn = "none"
    ) -> None:
        super().__init__()
        self.trunk = TwoBranchTrunk(backbone, pretrained, last_stride, ibn)
        self.reduce = Reduce(self.trunk.channels, dim)
        self.classifiers = BatchedLinear(PARTS, dim, num_classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (P, B, D), ≥ 0."""
        return self.reduce(self.trunk(images))


def part_id_loss(logits: Tensor, labels: Tensor, counts: Tensor | None = None) -> Tensor:
    """Mean over the parts of the ID loss, Eqs. 1 and 7: (P, B, classes) logits and (B,) labels → scalar.

    ``counts`` (B,) bool says which images have a say, None: all; 0 where none has.
    """
    if counts is None:
        return cross_entropy(logits.float().flatten(0, 1), labels.repeat(len(logits)))
    each = cross_entropy(logits.float().flatten(0, 1), labels.repeat(len(logits)), reduction="none")
    counting = counts.repeat(len(logits)).to(each.dtype)
    return (each * counting).sum() / counting.sum().clamp_min(1)


def part_triplet_loss(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean over the parts of the batch-hard triplet loss, Eq. 1, in one product.

    Args:
        features: (P, B, D).
        labels: (B,).
        margin: η.
    """
    parts, images = features.shape[:2]
    part = torch.arange(parts, device=labels.device).repeat_interleave(images)  # (P·B,)
    # a person's part is an identity of its own, and infinitely far from the other parts: never a hard negative
    apart = euclidean(features.flatten(0, 1), features.flatten(0, 1))
    apart = apart.masked_fill(part[:, None] != part, torch.inf)
    return batch_hard(apart, labels.repeat(parts) * parts + part, margin)
