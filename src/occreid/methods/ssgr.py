"""SSGR: one global feature, learned from erased pictures with a bounded exponential distance loss.

Source: Yan et al., "Occluded Person Re-Identification with Single-Scale Global Representations", ICCV 2021.
Letters: B images in a batch, c channels, h × w positions, C identities, H heads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from occreid.data.occlusion.erasing import compound_batch_erasing, random_batch_erasing
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import BatchHardTripletLoss, BoundedExponentialLoss
from occreid.losses.bounded_exponential import Reduction
from occreid.models.contract import Method
from occreid.nn import (
    BNNeck,
    DisentangledNonLocal,
    GeM,
    Ibn,
    MovingMean,
    NonLocal,
    NormalisedHeads,
    ReconstructivePooling,
    create_trunk,
    gradient_size,
)
from occreid.records import Batch

_BLOCKS = {2: 2, 3: 3}  # Section 3.2: two blocks in stage 2, three in stage 3


class SSGR(Method):
    """Single-scale global representations.

    ``cbe``, ``bed``, ``dnl``, ``rp`` and ``me`` are the columns of the paper's Table 5. With all five off this is
    its baseline row: random erasing, plain non-local blocks, GeM pooling, BNNeck, smoothed ID loss and batch-hard
    triplet loss. Erasing is done here, on the batch: keep the recipe's ``data.transform.erase`` at 0.

    Args:
        num_classes: training identities C.
        backbone: a convolutional timm network, see `occreid.nn.trunk`.
        pretrained: ``"imagenet"``, ``"none"`` or a weights file.
        ibn: instance normalisation in the first stages of a ResNet, see `occreid.nn.instance_norm`.
        last_stride: stride of the last stage, 1 or 2.
        cbe: compound batch erasing, which doubles the batch; off: random erasing alone.
        bed: bounded exponential distance loss (Eq. 3); off: batch-hard triplet loss.
        dnl: disentangled non-local blocks (Eq. 1); off: plain ones, see ``non_local``.
        rp: reconstructive pooling (Eq. 2) with a distance loss of its own, while training.
        me: momentum-effect elimination (Eq. 6): descriptors are normalise(f_g) − µ.
        two_heads: L_c of two normalised heads; off: of a BNNeck, whose output is then the descriptor where ``me`` is
            off. None: as ``me``, because both come from the same work.
        neck: batch normalisation, its shift 0, before the two heads. GeM's features are not negative: without it all
            images look alike to a normalised classifier (cosine 0.97 at the start) and the ID loss stays at guessing.
            The paper builds on a baseline whose classifier follows a BNNeck.
        heads_std: deviation of the two heads' weights at the start, see `NormalisedHeads`; the paper does not say.
        id_on_reconstructed: L_c of f_r too, by the same classifier, as the caption of Fig. 2 says; Eq. 5 has f_g alone.
        non_local: plain non-local blocks where ``dnl`` is off; off: none.
        alpha: α of Eq. 3.
        bed_reduction: how the pairs of Eq. 3 come together, see `BoundedExponentialLoss`; the paper does not say.
        bed_normalize: whether Eq. 3 compares features of unit length; the paper does not say. Lengths of fresh features
            (d ≈ 20) make e^(−αd) vanish, and the gradient with it; of unit length it was as small (docs/study.md).
        beta: β of Eq. 6.
        betas: further β whose means are kept in the same training (Fig. 5 (b)); ``beta`` then chooses among them.
        dnl_reduction: channels of queries and keys are divided by this; 1 is Eq. 1.
        dnl_temperature: pairwise logits are divided by this; 1 is Eq. 1.
        erase_probability: share of images that random erasing changes.
        margin: triplet margin where ``bed`` is off.
        label_smoothing: ε of L_c, spread as ε/C over all classes; the paper's Eq. 5 does not mention the smoothing
            of the baseline that it builds on.
    """

    metric = "cosine"
    input_size = (384, 128)
    older: ClassVar[dict[str, Any]] = {"neck": "none"}

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: str = "imagenet",
        ibn: Ibn = "none",
        last_stride: Literal[1, 2] = 1,
        cbe: bool = True,
        bed: bool = True,
        dnl: bool = True,
        rp: bool = True,
        me: bool = True,
        two_heads: bool | None = None,
        neck: Literal["bn", "none"] = "bn",
        heads_std: float | None = None,
        id_on_reconstructed: bool = False,
        non_local: bool = True,
        alpha: float = 0.3,
        bed_reduction: Reduction = "balanced",
        bed_normalize: bool = False,
        beta: float = 0.9,
        betas: tuple[float, ...] = (),
        dnl_reduction: int = 1,
        dnl_temperature: float = 1.0,
        erase_probability: float = 0.5,
        margin: float = 0.3,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.backbone = create_trunk(backbone, pretrained, last_stride, ibn=ibn)
        self.expect_pixels(self.backbone.pixel_mean, self.backbone.pixel_std)
        make = partial(DisentangledNonLocal, reduction=dnl_reduction, temperature=dnl_temperature) if dnl else NonLocal
        for stage, count in _BLOCKS.items() if dnl or non_local else ():
            self.backbone.insert(stage, count, make)
        dim = self.backbone.num_features
        self.pool = GeM()
        self.reconstruct = ReconstructivePooling(dim) if rp else None
        normalised = me if two_heads is None else two_heads
        self.heads = NormalisedHeads(dim, num_classes, std=heads_std) if normalised else None
        self.neck = None if normalised else BNNeck(dim, num_classes)
        self.heads_norm = _shiftless_norm(dim) if normalised and neck == "bn" else None
        if id_on_reconstructed and not rp:
            raise UserError(
                "ssgr has no reconstructed feature to classify: rp is off.", "Turn id_on_reconstructed off too."
            )
        self.norm_reconstructed = _shiftless_norm(dim) if id_on_reconstructed else None
        self.momentum = MovingMean(dim, beta, betas) if me else None
        self.distance_name = "bed" if bed else "triplet"
        self.distance_loss = (
            BoundedExponentialLoss(alpha, bed_reduction, bed_normalize) if bed else BatchHardTripletLoss(margin)
        )
        self.cbe, self.erase_probability, self.label_smoothing = cbe, erase_probability, label_smoothing

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """B images → 2B by compound batch erasing, or B with random erasing."""
        erase = compound_batch_erasing if self.cbe else random_batch_erasing
        return erase(batch, generator, probability=self.erase_probability)

    def feature_map(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, c, h, w), the input of both poolings."""
        return self.backbone(self.normalize(images))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of Eq. 5: ``bed_rp`` (or ``triplet_rp``), ``bed`` (or ``triplet``), ``id``; ``id_rp`` if asked."""
        feature_map = self.feature_map(batch.images)
        f_g = self.pool(feature_map)  # (B, c)
        losses = {
            self.distance_name: self.distance_loss(f_g, batch.labels),
            "id": self._id_loss(self._necked(f_g), batch.labels),
        }
        if self.reconstruct is not None:
            f_r = self.reconstruct(feature_map)  # Eq. 2 (B, c)
            losses[f"{self.distance_name}_rp"] = self.distance_loss(f_r, batch.labels)
            if self.norm_reconstructed is not None:  # its own: the statistics behind descriptors are those of f_g
                losses["id_rp"] = self._id_loss(self.norm_reconstructed(f_r), batch.labels)
        if self.momentum is not None and self.training:
            self.momentum.update(f_g)  # Eq. 6
        self._watch(f_g, losses)
        return losses

    def _watch(self, f_g: Tensor, losses: dict[str, Tensor]) -> None:
        """For the log: how far the distance loss is saturated, and how hard each loss on f_g pulls at it."""
        if not f_g.requires_grad or torch.compiler.is_compiling():
            return
        on_f_g = {name: losses[name] for name in (self.distance_name, "id")}
        watched = {f"gradient_{name}": gradient_size(loss, f_g) for name, loss in on_f_g.items()}
        if isinstance(self.distance_loss, BoundedExponentialLoss):
            watched["alpha_d"] = self.distance_loss.exponent(f_g.detach())
        self.watched = watched

    def _necked(self, f_g: Tensor) -> Tensor:
        """What the classifier sees of (B, c) features."""
        norm = self.heads_norm if self.neck is None else self.neck
        return f_g if norm is None else norm(f_g)

    def _id_loss(self, necked: Tensor, labels: Tensor) -> Tensor:
        """L_c of Eq. 5: cross-entropies, summed over the heads."""
        if self.heads is not None:
            logits = self.heads(necked)  # (B, H, C)
        else:
            assert self.neck is not None  # one of the two classifiers is always built
            logits = self.neck.logits(necked).float()[:, None]  # (B, 1, C)
        every = cross_entropy(
            logits.flatten(0, 1), labels.repeat_interleave(logits.shape[1]), label_smoothing=self.label_smoothing
        )
        return every * logits.shape[1]  # the mean over B · H is a sum over H of means over B

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: normalise(f_g) − µ; without ``me`` what the classifier sees."""
        f_g = self.pool(self.feature_map(images))
        if self.momentum is not None:
            return Descriptors(self.momentum(f_g))
        return Descriptors(self._necked(f_g))

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """The two terms of Eq. 1 in the last block of stages 2 and 3, and the weights of Eq. 2, each from 0 to 1.

        ``stage2_pairwise``, ``stage2_salient``, …, ``reconstructive``; only those that the options have built.
        """
        inputs: dict[str, Tensor] = {}
        blocks = {f"stage{stage}": self.backbone.units(stage)[-1] for stage in _BLOCKS}
        blocks = {name: block for name, block in blocks.items() if isinstance(block, DisentangledNonLocal)}
        hooks = [block.register_forward_pre_hook(_keep(inputs, name)) for name, block in blocks.items()]
        try:
            feature_map = self.feature_map(images)
        finally:
            for hook in hooks:
                hook.remove()
        maps = {}
        for name, block in blocks.items():
            maps[f"{name}_pairwise"], maps[f"{name}_salient"] = block.attention(inputs[name])
        if self.reconstruct is not None:
            maps["reconstructive"] = self.reconstruct.salience(feature_map)
        return {name: _stretched(weights) for name, weights in maps.items()}


def _shiftless_norm(dim: int) -> nn.BatchNorm1d:
    """Batch normalisation whose shift stays 0, as a BNNeck's."""
    norm = nn.BatchNorm1d(dim)
    norm.bias.requires_grad_(False)
    return norm


def _keep(inputs: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        inputs[name] = args[0]

    return hook


def _stretched(weights: Tensor) -> Tensor:
    """(B, h, w) ≥ 0 → each image's smallest weight 0 and largest 1."""
    low, high = weights.amin((1, 2), keepdim=True), weights.amax((1, 2), keepdim=True)
    return ((weights - low) / (high - low).clamp_min(torch.finfo(weights.dtype).tiny)).clamp(0, 1)
