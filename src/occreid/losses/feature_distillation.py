"""Teaching a transformer what a convolutional network sees, position by position, without labels.

The form is that of Wei et al. 2022, "Contrastive Learning Rivals Masked Image Modeling in Fine-tuning via Feature
Distillation": whitened teacher features, a layer on the student's, smooth L1.

Letters: B images, N patch tokens on a grid of h × w, C channels of the student, D of the teacher.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, layer_norm, smooth_l1_loss


class FeatureDistillation(nn.Module):
    """Smooth L1 between projected tokens and the teacher's map, whose positions are brought to mean 0, deviation 1.

    The patch tokens follow the map, brought to their grid by means over cells; the class token follows its mean. The
    projections are of use in training alone.

    Args:
        student: C.
        teacher: D.
        beta: below this difference the loss is quadratic; the source has 2.
    """

    def __init__(self, student: int, teacher: int, beta: float = 2.0) -> None:
        super().__init__()
        self.patches, self.whole, self.beta = nn.Linear(student, teacher), nn.Linear(student, teacher), beta

    def forward(self, token: Tensor, patches: Tensor, teacher: Tensor, grid: tuple[int, int]) -> dict[str, Tensor]:
        """``distill_patches`` and ``distill_class``, float32 scalars; no gradient flows into the teacher.

        Args:
            token: (B, C) the class token.
            patches: (B, N, C) in rows from the top.
            teacher: (B, D, H', W') its last map.
            grid: (h, w), h · w = N.
        """
        with torch.autocast(token.device.type, enabled=False):
            seen = adaptive_avg_pool2d(teacher.detach().float(), grid).flatten(2).mT  # (B, N, D)
            return {
                "distill_patches": smooth_l1_loss(self.patches(patches.float()), whitened(seen), beta=self.beta),
                "distill_class": smooth_l1_loss(self.whole(token.float()), whitened(seen.mean(1)), beta=self.beta),
            }


def whitened(features: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the last dimension.

    >>> whitened(torch.tensor([[1.0, 3.0]]))
    tensor([[-1.0000,  1.0000]])
    """
    return layer_norm(features, features.shape[-1:])
