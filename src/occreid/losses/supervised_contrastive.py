"""Supervised contrastive loss (Khosla et al., NeurIPS 2020, Eq. 2: the sum over positives outside the logarithm).

Letters: B images in a batch, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


def supervised_contrastive(similarities: Tensor, labels: Tensor) -> Tensor:
    """Supervised contrastive loss over a given similarity matrix.

    Of an anchor i with positives P(i), images of the same identity but i itself:
    ``−1/|P(i)| Σ_{p ∈ P(i)} log( exp(s_ip) / Σ_{a ≠ i} exp(s_ia) )``.

    Args:
        similarities: (B, B) similarities, already divided by the temperature; the diagonal is ignored.
        labels: (B,) identity of each image.

    Returns:
        Scalar float32: the mean over anchors that have a positive; 0 (with zero gradient) when there is none.

    >>> s = torch.zeros(4, 4)  # all alike: each positive is one of three others
    >>> supervised_contrastive(s, torch.tensor([0, 0, 1, 1]))
    tensor(1.0986)
    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels.unsqueeze(0) == labels.unsqueeze(1)) & ~itself  # (B, B)
    others = similarities.float().masked_fill(itself, -torch.inf)
    log_share = others - others.logsumexp(1, keepdim=True)
    # the diagonal is −inf; it is cut out before the sum, since 0 · −inf is no number
    of_positives = log_share.masked_fill(~positive, 0.0).sum(1) / positive.sum(1).clamp_min(1)
    return -of_positives.sum() / positive.any(1).sum().clamp_min(1)


class SupervisedContrastiveLoss(nn.Module):
    """`supervised_contrastive` over cosine similarities.

    Lengths of features do not enter, so nothing is gained by shrinking them: from a backbone's weights, on hard
    pictures, the batch-hard triplet loss on Euclidean distance may fall to the point where all features are equal.

    Args:
        temperature: τ > 0, by which similarities are divided.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of (B, D) features (normalised here) and (B,) identity labels."""
        with torch.autocast(features.device.type, enabled=False):
            unit = normalize(features.float(), dim=1)
            return supervised_contrastive(unit @ unit.T / self.temperature, labels)

    def extra_repr(self) -> str:
        """The temperature, for printing."""
        return f"temperature={self.temperature}"
