"""SUReID: a vision transformer that drops the tokens of background and obstacles, taught by one that sees them all.

Source: Song, "A Deep Hierarchical Feature Sparse Framework for Occluded Person Re-Identification".
Where the paper is open or its equations disagree with each other, this file says "read as".

Letters: B images, N patch tokens on an h × w grid, M of them kept, C channels, K identities, S stages, p kept share;
D̂ decisions (1 keep, 0 drop), f feature (the class token), g logits, s student, t teacher.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal, Protocol, cast

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from occreid.data.occlusion.noda import Noda
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.losses import BatchHardTripletLoss, ratio_loss
from occreid.methods.sureid.budget import AdaptiveBudget, Decide, FixedBudget
from occreid.methods.sureid.parts import check_teacher, checked_stages, distillation, plain_vit
from occreid.models.contract import Method, Stage
from occreid.models.occluding import OccludingMethod
from occreid.models.weights import load_model
from occreid.nn import BNNeck, TokenPredictor, class_feature, evaluating, pixel_statistics
from occreid.nn.token_attention import masked_block, plain_blocks, prefix_block
from occreid.nn.token_gather import Layer
from occreid.nn.token_patches import set_patch_step
from occreid.nn.token_predictor import keep_counts, sample_decisions
from occreid.records import Batch

NO_TEACHER = "none"


class Teacher(Protocol):
    """What NPKD asks of a teacher: the class token, and a neck with a classifier behind it."""

    neck: BNNeck

    def class_token(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, D), the feature before the neck."""
        ...


class SUReID(OccludingMethod):
    """ViT with hierarchical token sparsification (HTS), distillation (NPKD) and occlusion augmentation (NODA).

    Args:
        num_classes: training identities K.
        backbone: a timm ViT or DeiT with a class token; position embeddings are interpolated to the input.
        pretrained: ``"imagenet"``, ``"none"``, a weights file or the run folder of a trained model.
        height: input height in pixels.
        width: input width in pixels.
        patch_step: pixels from one patch to the next; less than the patch's size makes patches overlap. None: its size.
        keep_ratio: p in (0, 1]: the shares kept after the stages are p, p², …; 1 prunes nothing (no predictors).
        prune_before: blocks, counted from 1, before which tokens are dropped.
        budget: ``"fixed"`` keeps the same number in every image; ``"adaptive"`` as many as it needs, rounded up to
            a bucket: the tokens more probable than a threshold, which follows the training images such that their
            mean number is that of "fixed"; beyond the paper, which asks for it in Section VI.
        bucket: adaptive: kept numbers are multiples of it.
        reweighting: strengthen attended tokens in the last block's attention, while training.
        teacher: run folder of a trained ViT (`baseline_vit`), read when training starts; ``"none"``: no NPKD.
        align: how the feature widths of teacher and student are brought together.
        align_to: at whose width they are compared: ``"student"`` is the paper's T-S, ``"teacher"`` its S-T.
        teacher_dim: feature width of the teacher; needed with ``align="linear"`` alone, else only checked if given.
        kd_reduction: squared feature distance over channels: averaged, or summed, which is Eq. 13 as printed and gives
            a first step's gradient two hundred times that of all other terms.
        noda: double the batch with noise occlusion data augmentation.
        occluders: ``"procedural"`` or a folder of cut-outs, for NODA.
        kd_weight: λ of Eq. 13.
        ratio_weight: λ_ratio of Eq. 14.
        alpha: α of Eq. 14.
        beta: β of Eq. 14.
        drop_path: stochastic depth rate in [0, 1).
        margin: triplet margin on Euclidean distance, before the neck.
        label_smoothing: ε of the ID loss, spread as ε/K over all classes.

    Raises:
        UserError: p outside (0, 1], pruning before a block that is not there, or a backbone that is no plain ViT.
    """

    metric = "cosine"
    older: ClassVar[dict[str, Any]] = {"kd_reduction": "sum"}
    thresholds: Tensor

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "deit_small_patch16_224",
        pretrained: str = "imagenet",
        height: int = 256,
        width: int = 128,
        patch_step: int | None = None,
        keep_ratio: float = 0.7,
        prune_before: tuple[int, ...] = (4, 7, 10),
        budget: Literal["fixed", "adaptive"] = "fixed",
        bucket: int = 8,
        reweighting: bool = True,
        teacher: str = NO_TEACHER,
        align: Literal["interpolation", "linear"] = "interpolation",
        align_to: Literal["student", "teacher"] = "student",
        teacher_dim: int | None = None,
        kd_reduction: Literal["sum", "mean"] = "mean",
        noda: bool = True,
        occluders: str = "procedural",
        kd_weight: float = 0.1,
        ratio_weight: float = 2.0,
        alpha: float = 1.0,
        beta: float = 1.0,
        drop_path: float = 0.1,
        margin: float = 0.3,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        self.backbone = plain_vit(backbone, pretrained, img_size=(height, width), drop_path_rate=drop_path)
        self.expect_pixels(*pixel_statistics(self.backbone))
        self.grid = set_patch_step(self.backbone, patch_step or self.backbone.patch_embed.patch_size[0])
        self.prefix = self.backbone.num_prefix_tokens
        self.prune_before: tuple[int, ...] = (
            () if keep_ratio == 1 else checked_stages(prune_before, len(self.backbone.blocks))
        )
        self.counts = keep_counts(self.grid[0] * self.grid[1], keep_ratio, len(self.prune_before))
        dim = self.backbone.num_features
        self.predictors = nn.ModuleList(TokenPredictor(dim) for _ in self.prune_before)
        self.register_buffer("thresholds", torch.zeros(len(self.prune_before)))  # log odds, moving averages
        self.strength = nn.Parameter(torch.tensor(0.5)) if reweighting else None  # λ of Eq. 8
        self.neck = BNNeck(dim, num_classes)
        self.triplet = BatchHardTripletLoss(margin)
        if bucket < 1:
            raise UserError(f"a bucket of {bucket} tokens is impossible.", "Give 1 or more.")
        self.distill = distillation((dim, teacher_dim), align, align_to, kd_weight, kd_reduction)
        self.noda = Noda(occluders) if noda else None
        self.keep_ratio = keep_ratio
        self.budget = FixedBudget(self.counts) if budget == "fixed" else AdaptiveBudget(self.counts, bucket)
        self.num_classes, self.teacher_run, self.teacher_dim = num_classes, teacher, teacher_dim
        self.alpha, self.beta, self.ratio_weight = alpha, beta, ratio_weight
        self.label_smoothing = label_smoothing
        self._teacher: list[Method] = []  # in a list it is no submodule: not saved, not trained, never in train mode

    # training: all tokens stay, dropped ones are masked ---------------------------------------------------------

    def train_tokens(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) → the feature (B, C) and the decisions D̂ of each stage, (B, N) each, drawn at random."""
        drawn = self.masked_walk(self.patch_tokens(images), lambda _, logits, keep: sample_decisions(logits, keep))
        return self.pooled(drawn[0]), drawn[1]

    def masked_walk(self, x: Tensor, decide: Decide, *, decide_only: bool = False) -> tuple[Tensor, list[Tensor]]:
        """The masked pass, Eqs. 1 to 8, whoever decides.

        Args:
            x: (B, prefix + N, C) tokens of `patch_tokens`.
            decide: what a stage keeps.
            decide_only: end with the last stage; the tokens are then good for nothing.

        Returns:
            The tokens behind the last block, and the decisions D̂ of each stage, (B, N) each.
        """
        keep: Tensor | None = None
        stages: list[Tensor] = []
        for number, block in enumerate(plain_blocks(self.backbone), start=1):
            if number in self.prune_before:
                logits = self.predictors[len(stages)](x[:, self.prefix :], keep)  # Eq. 1
                before = x.new_ones(logits.shape[:2]) if keep is None else keep
                keep = decide(len(stages), logits, before)  # Eqs. 2 and 3
                stages.append(keep)
            if decide_only and len(stages) == len(self.prune_before):
                break
            x = self.masked(number, block, x, keep)
        return x, stages

    @torch.no_grad()
    def follow_thresholds(self, images: Tensor) -> None:
        """Move each stage's threshold to where images (B, 3, H, W) keep ⌊N pˢ⌋ tokens in the mean.

        The stages decide as at inference, because what one keeps changes what the next one sees. A fixed budget has
        nothing to follow.
        """
        if isinstance(self.budget, AdaptiveBudget):
            with evaluating(self):  # nothing is drawn at random, neither here nor, for it, later in the training
                self.masked_walk(self.patch_tokens(images), self.budget.following(self.thresholds), decide_only=True)

    def masked(self, number: int, block: Block, x: Tensor, keep: Tensor | None) -> Tensor:
        """One block of the masked forward pass, Eqs. 4 to 8; ``number`` counts blocks from 1, ``keep`` is (B, N)."""
        last = self.training and number == len(self.backbone.blocks)
        strength = self.strength if last else None
        if keep is None and strength is None:
            return block(x)
        return masked_block(block, x, self.with_prefix(keep, x), strength, self.prefix)

    def with_prefix(self, keep: Tensor | None, x: Tensor) -> Tensor:
        """Decisions over all tokens: the class token's is always 1."""
        if keep is None:
            return x.new_ones(x.shape[:2])
        return torch.cat([keep.new_ones(keep.shape[0], self.prefix), keep], dim=1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of Eq. 14: ``id``, ``triplet``, and where they apply ``ratio``, ``kd_logits``, ``kd_feature``."""
        feature, stages = self.train_tokens(batch.images)
        if self.training and stages:
            self.follow_thresholds(batch.images[::4])  # a quarter is enough to follow, and costs little
        logits = self.neck.logits(self.neck(feature))  # Eq. 10
        smoothing = self.label_smoothing
        terms = {
            "id": self.beta * cross_entropy(logits.float(), batch.labels, label_smoothing=smoothing),
            "triplet": self.beta * self.triplet(feature, batch.labels),
        }
        if stages:
            ratio = ratio_loss(stages, self.keep_ratio, per_image=isinstance(self.budget, FixedBudget))  # Eq. 9
            terms["ratio"] = self.alpha * self.ratio_weight * ratio
        if self.teacher_run != NO_TEACHER:
            kd = self.distill(logits, feature, *self.ask_teacher(batch.images))  # Eqs. 11 to 13
            terms |= {name: self.alpha * term for name, term in kd.items()}
        return terms

    def stages(self) -> tuple[Stage, ...]:
        """One leg; the teacher is read here, so that what is wrong with it shows before it starts."""
        if self.teacher_run != NO_TEACHER:
            self.teacher()
        return super().stages()

    def teacher(self) -> Method:
        """The frozen teacher, in eval mode.

        Raises:
            UserError: what `load_model` raises; or it is no ViT with a neck, or of another input size, number of
                classes or feature width.
        """
        if not self._teacher:
            loaded = load_model(self.teacher_run)
            check_teacher(
                loaded,
                self.teacher_run,
                input_size=self.input_size,
                num_classes=self.num_classes,
                width=self.teacher_dim,
            )
            self._teacher.append(loaded.eval().requires_grad_(False))
        return self._teacher[0]

    @torch.no_grad()
    def ask_teacher(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's logits g_t (B, K) and features f_t (B, D).

        The paper's teacher has "no BN layer" before its classifier; in eval mode a neck's is a fixed scale and shift
        per channel, so that what stands behind it is an affine classifier on f_t all the same.
        """
        teacher = cast(Teacher, self.teacher().to(images.device))
        feature = teacher.class_token(images)
        return teacher.neck.logits(teacher.neck(feature)), feature

    # inference: dropped tokens are gone ---------------------------------------------------------------------------

    def kept_tokens(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, H, W) → the feature (B, C) and what was kept after each stage, as the budget's `drop` says it."""
        x, kept = self.budget.drop(
            self.layers(), self.predictor_of_block(), self.patch_tokens(images), self.thresholds, self.prefix
        )
        return self.pooled(x), kept

    def kept_in_place(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What `kept_tokens` gives under an adaptive budget, with dropped tokens masked: always the same steps.

        That is what an exported graph must be; it saves no time.
        """
        assert isinstance(self.budget, AdaptiveBudget)  # a fixed one takes the same steps anyway
        x, stages = self.masked_walk(self.patch_tokens(images), self.budget.deciding(self.thresholds))
        return self.pooled(x), stages

    def layers(self) -> list[Layer]:
        """The blocks; of the last one only what the feature is made of."""
        *first, last = plain_blocks(self.backbone)
        return [*first, partial(prefix_block, last, prefix=self.prefix)]

    def predictor_of_block(self) -> dict[int, TokenPredictor]:
        """Block number, from 1 → the predictor before it."""
        return dict(zip(self.prune_before, self.predictors, strict=True))  # type: ignore[arg-type]

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """One global part: the class token after the neck. Only kept tokens are computed."""
        exporting = torch.compiler.is_exporting() or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
        in_place = exporting and isinstance(self.budget, AdaptiveBudget)
        feature, _ = self.kept_in_place(images) if in_place else self.kept_tokens(images)
        return Descriptors(self.neck(feature))

    def explain(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """For each stage the tokens it kept (1) and dropped (0), on the grid of patches."""
        maps = self.budget.maps(self.kept_tokens(images)[1], self.grid)
        return {f"kept after stage {number}": shown for number, shown in enumerate(maps, start=1)}

    # the transformer's two ends -----------------------------------------------------------------------------------

    def patch_tokens(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, prefix + N, C), with class token and position embeddings."""
        vit = self.backbone
        return vit.norm_pre(vit._pos_embed(vit.patch_embed(self.normalize(images))))

    def pooled(self, x: Tensor) -> Tensor:
        """(B, ≥ prefix, C) after the last block → (B, C), the class token after the final norm."""
        return class_feature(self.backbone, self.backbone.norm(x[:, : self.prefix]))
