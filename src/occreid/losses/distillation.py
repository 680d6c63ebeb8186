"""Learning from a teacher: its logits, and its features brought to the student's width without parameters.

Source: SUReID, Section III-B, Eqs. 11 to 13 and Table VI.
Letters: B images, K classes, C student channels, D teacher channels.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, log_softmax

Direction = Literal["teacher_to_student", "student_to_teacher"]


def logits_divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(σ(student) ‖ σ(teacher)), the mean over images: Eqs. 11 and 12.

    The paper's order: expectations are taken under the student, unlike in Hinton et al. 2015.

    Args:
        student: (B, K) logits.
        teacher: (B, K) logits; no gradient flows into them.
        temperature: T > 0.

    Returns:
        Scalar float32 ≥ 0.
    """
    log_s = log_softmax(student.float() / temperature, dim=1)  # Eq. 12
    log_t = log_softmax(teacher.detach().float() / temperature, dim=1)
    return (log_s.exp() * (log_s - log_t)).sum(1).mean()  # Eq. 11


def align_width(features: Tensor, width: int) -> Tensor:
    """I(·) of Eq. 13: linear interpolation along the channels, (B, D) → (B, width).

    >>> align_width(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), 2)
    tensor([[0.5000, 2.5000]])
    """
    if features.shape[1] == width:
        return features
    return interpolate(features[:, None], size=width, mode="linear", align_corners=False)[:, 0]


class DistillationLoss(nn.Module):
    """NPKD: divergence of the logits and squared distance of the features, Eq. 13.

    Args:
        weight: λ of the logits term.
        direction: whose features are brought to the other's width; the paper's choice is the teacher's.
        linear: None interpolates (the paper's choice); a student and a teacher width learn a linear layer instead.
        reduction: over channels: ``"sum"`` is ‖·‖² as printed, ``"mean"`` divides it by the width.

    >>> loss = DistillationLoss()
    >>> same = torch.randn(2, 5), torch.randn(2, 8)
    >>> {name: value.item() for name, value in loss(*same, *same).items()}
    {'kd_logits': 0.0, 'kd_feature': 0.0}
    """

    def __init__(
        self,
        weight: float = 0.1,
        *,
        direction: Direction = "teacher_to_student",
        linear: tuple[int, int] | None = None,
        reduction: Literal["sum", "mean"] = "sum",
    ) -> None:
        super().__init__()
        self.weight, self.direction, self.reduction = weight, direction, reduction
        self.project: nn.Linear | None = None
        if linear is not None:
            student, teacher = linear
            self.project = nn.Linear(*((teacher, student) if direction == "teacher_to_student" else (student, teacher)))

    def forward(
        self, student_logits: Tensor, student: Tensor, teacher_logits: Tensor, teacher: Tensor
    ) -> dict[str, Tensor]:
        """Two weighted terms, ``kd_logits`` and ``kd_feature``, float32 scalars; none flows into the teacher.

        Args:
            student_logits: (B, K).
            student: (B, C) features f_s, before batch normalisation.
            teacher_logits: (B, K).
            teacher: (B, D) features f_t.
        """
        with torch.autocast(student.device.type, enabled=False):
            difference = self.difference(student.float(), teacher.detach().float())
            squared = difference.square()
            per_image = squared.sum(1) if self.reduction == "sum" else squared.mean(1)
            return {
                "kd_logits": self.weight * logits_divergence(student_logits, teacher_logits),
                "kd_feature": per_image.mean(),
            }

    def difference(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The features' difference at the width that both are compared at."""
        if self.direction == "teacher_to_student":
            return student - (self.project(teacher) if self.project else align_width(teacher, student.shape[1]))
        return (self.project(student) if self.project else align_width(student, teacher.shape[1])) - teacher
