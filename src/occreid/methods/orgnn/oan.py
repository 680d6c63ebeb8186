"""OAN, the occlusion-aware network (Section 3.1, Eq. 2): which of the six parts does a person's mask show?

Letters: B images, H × W pixels, P = 6 parts (4 stripes, 2 halves), Q = 4 body parts of a part mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits

from occreid.data.masks.visibility import shrunk
from occreid.data.occlusion.erasing import rectangle_masks
from occreid.methods.orgnn.fen import HALVES, PARTS, STRIPES, Reduce, TwoBranchTrunk
from occreid.nn import BatchedLinear
from occreid.records import PART_NAMES, Batch

_BODY = len(PART_NAMES)
_SEEN_AT_FIRST = 2.0  # logit of an untrained network: every part counts as visible until it has learnt otherwise


class OcclusionAwareNetwork(nn.Module):
    """FEN's architecture on the human mask, one sigmoid for each part.

    It learns from true visibility where the data has it, else from how much of a part the mask covers, compared
    with what it covers on average over the training images as they are. That average is kept in buffers.

    Args:
        backbone: a convolutional timm network, which starts at random, for a mask is no photograph.
        last_stride: of the last stage.
        dim: dimensions of a part before its sigmoid.
        threshold: a part counts as visible from this visible fraction on, or from this share of the mean coverage.
    """

    coverage: Tensor
    body: Tensor
    seen: Tensor

    def __init__(self, backbone: str, last_stride: int, dim: int, threshold: float) -> None:
        super().__init__()
        self.trunk = TwoBranchTrunk(backbone, "none", last_stride, in_chans=1)
        self.reduce = Reduce(self.trunk.channels, dim)
        self.states = BatchedLinear(PARTS, dim, 1)
        nn.init.normal_(self.states.weight, std=0.02)
        assert self.states.bias is not None
        nn.init.constant_(self.states.bias, _SEEN_AT_FIRST)
        self.threshold = threshold
        self.register_buffer("coverage", torch.zeros(PARTS))  # mean over the `seen` masks
        self.register_buffer("body", torch.zeros(STRIPES, _BODY))  # likewise, by body part
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, masks: Tensor) -> Tensor:
        """(B, H, W) masks, 0 = not the person → (B, P) logits of the parts' visibility y."""
        human = (masks > 0).to(self.states.weight.dtype)[:, None]
        return self.states(self.reduce(self.trunk(human)))[..., 0].T

    def visible(self, masks: Tensor) -> Tensor:
        """(B, H, W) masks → (B, P) bool, m = y > 0.5."""
        return self(masks) > 0

    @torch.no_grad()
    def observe(self, masks: Tensor) -> None:
        """Add masks, neither shifted nor erased nor hidden in part, to the averages that `targets` compares with."""
        self.seen += len(masks)
        weight = len(masks) / self.seen
        self.coverage += (part_coverage(masks).mean(0) - self.coverage) * weight
        self.body += (body_coverage(masks).mean(0) - self.body) * weight

    def targets(self, masks: Tensor, visibility: Tensor | None) -> Tensor:
        """True visibility ŷ of the six parts.

        Args:
            masks: (B, H, W) part masks; without ``visibility`` any human mask, 0 elsewhere, will do.
            visibility: (B, Q) true visible fraction of each body part, or None. A stripe's is the mean of its
                body parts', weighted by how much of the stripe each covers on average; the halves, which no body
                part tells apart, always go by coverage.

        Returns:
            (B, P) float32, 0 or 1.
        """
        shown = part_coverage(masks) >= self.threshold * self.coverage.clamp_min(1e-6)  # (B, P)
        if visibility is not None:
            shown = torch.cat([self.stripes(visibility), shown[:, STRIPES:]], 1)
        return shown.float()

    def stripes(self, visibility: Tensor) -> Tensor:
        """(B, Q) true visible fraction of the body parts → (B, 4 stripes) bool, whether a stripe counts as visible."""
        share = self.body / self.body.sum(1, keepdim=True).clamp_min(1e-12)  # (4 stripes, Q)
        return visibility.to(share) @ share.T >= self.threshold

    def losses(self, masks: Tensor, visibility: Tensor | None) -> dict[str, Tensor]:
        """Eq. 2 with the minus sign that the paper leaves out: binary cross-entropy, mean over parts and images."""
        if self.seen == 0:
            self.observe(masks)
        logits = self(masks).float()
        return {"occlusion": binary_cross_entropy_with_logits(logits, self.targets(masks, visibility))}


def part_coverage(masks: Tensor) -> Tensor:
    """(B, H, W) masks → (B, P) share of each part's pixels that are the person's, in [0, 1]."""
    human = (masks > 0).float()[:, None]
    regions = adaptive_avg_pool2d(human, (STRIPES, 1)), adaptive_avg_pool2d(human, (1, HALVES))
    return torch.cat([region.flatten(1) for region in regions], 1)


def body_coverage(masks: Tensor) -> Tensor:
    """(B, H, W) part masks → (B, 4 stripes, Q) share of each stripe's pixels that are of each body part."""
    numbers = torch.arange(1, _BODY + 1, device=masks.device, dtype=masks.dtype)
    each = (masks[:, None] == numbers[:, None, None]).float()  # (B, Q, H, W)
    return adaptive_avg_pool2d(each, (STRIPES, 1))[..., 0].mT


def occlude_masks(
    batch: Batch, generator: torch.Generator, probability: float, extent: tuple[float, float] = (0.2, 0.6)
) -> Batch:
    """Hide a band at one side of some masks, so that OAN sees parts that are not there.

    Only what OAN looks at changes: masks and visibility. The images, which FEN learns from, stay as they are.

    Args:
        batch: with masks.
        generator: a CPU generator.
        probability: share of masks that are hidden in part.
        extent: smallest and largest share of the height or width that the band takes.

    Returns:
        A new batch; the caller's tensors are not touched.
    """
    assert batch.masks is not None
    images, height, width = batch.masks.shape
    draws = torch.rand(images, 3, generator=generator)
    share = extent[0] + (extent[1] - extent[0]) * draws[:, 1]
    side = (draws[:, 2] * 4).long()  # top, bottom, left, right
    h = torch.where(side < 2, share * height, float(height)).round().long()
    w = torch.where(side < 2, float(width), share * width).round().long()
    top, left = (height - h) * (side == 1), (width - w) * (side == 3)
    bands = torch.stack([top, left, h, w], 1) * (draws[:, :1] < probability)
    hidden = rectangle_masks(bands.to(batch.masks.device), height, width)
    masks = batch.masks.masked_fill(hidden, 0)
    visibility = batch.visibility
    if visibility is not None:
        visibility = shrunk(visibility, *(body_coverage(each).sum(1) for each in (batch.masks, masks)))
    return Batch(batch.images, batch.labels, batch.camids, batch.indices, masks, visibility)
