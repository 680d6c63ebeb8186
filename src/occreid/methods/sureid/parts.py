"""What SUReID is built from, and what it refuses."""

from __future__ import annotations

from typing import Any, Literal

from timm.models.vision_transformer import VisionTransformer

from occreid.errors import UserError
from occreid.losses import DistillationLoss
from occreid.models.contract import Method
from occreid.nn import BNNeck, create_vit
from occreid.nn.token_attention import is_plain


def plain_vit(name: str, pretrained: str, **options: Any) -> VisionTransformer:
    """A plain ViT with a class token.

    Args:
        name: in timm.
        pretrained: see `create_backbone`.
        options: passed to timm.

    Raises:
        UserError: no such network, another kind, or what `create_vit` raises.
    """
    network = create_vit(name, pretrained, **options)
    if is_plain(network):
        return network
    raise UserError(
        f"the backbone '{name}' is no plain vision transformer: its blocks cannot be called part by part.",
        "Use a ViT or DeiT, e.g. 'deit_small_patch16_224'.",
    )


def distillation(
    widths: tuple[int, int | None],
    align: str,
    align_to: Literal["student", "teacher"],
    weight: float,
    reduction: Literal["sum", "mean"],
) -> DistillationLoss:
    """NPKD's loss for feature widths (student, teacher), the teacher's None where it is not known yet.

    Raises:
        UserError: a linear alignment without the teacher's width.
    """
    student, teacher = widths
    if align == "linear" and teacher is None:
        raise UserError("align is linear, but teacher_dim is not given.", "Give the teacher's feature width.")
    linear = (student, teacher) if align == "linear" and teacher is not None else None
    direction = "teacher_to_student" if align_to == "student" else "student_to_teacher"
    return DistillationLoss(weight, direction=direction, linear=linear, reduction=reduction)


def checked_stages(prune_before: tuple[int, ...], blocks: int) -> tuple[int, ...]:
    """The stages, if they are rising numbers of blocks.

    Raises:
        UserError: they are not.
    """
    if list(prune_before) != sorted(set(prune_before)) or not all(1 <= b <= blocks for b in prune_before):
        raise UserError(
            f"prune_before is {list(prune_before)}, the network has blocks 1 to {blocks}.", "Give rising block numbers."
        )
    return prune_before


def check_teacher(
    teacher: Method, run: str, *, input_size: tuple[int, int], num_classes: int, width: int | None
) -> None:
    """Refuse a teacher that cannot teach this student.

    Args:
        teacher: loaded.
        run: where it comes from.
        input_size: the student's.
        num_classes: the student's.
        width: of the teacher's feature, if it was named.

    Raises:
        UserError: it is no ViT with a neck, or of another input size, number of classes or feature width.
    """
    neck = getattr(teacher, "neck", None)
    if not isinstance(neck, BNNeck) or not hasattr(teacher, "class_token"):
        raise UserError(
            f"the teacher {run} is a {type(teacher).__name__}, not a ViT with a neck.", "Train baseline_vit."
        )
    classes, dim = neck.classifier.out_features, neck.classifier.in_features
    if teacher.input_size != input_size:
        (a, b), (h, w) = teacher.input_size, input_size
        raise UserError(
            f"the teacher {run} sees {a}×{b} pixels, the student {h}×{w}.", "Train both at one data.height and width."
        )
    if classes != num_classes:
        raise UserError(
            f"the teacher {run} knows {classes} identities, the student learns {num_classes}.",
            "Train both on the same training set.",
        )
    if width not in (None, dim):
        raise UserError(
            f"the teacher {run} has features of width {dim}, teacher_dim is {width}.",
            f"Set teacher_dim to {dim}.",
        )
