"""BNNeck: the batch normalisation between the triplet and the ID loss."""

from __future__ import annotations

from torch import Tensor, nn


class BNNeck(nn.Module):
    """Batch normalisation without shift, then a linear classifier without bias (Luo et al. 2019, Section 3.6).

    The triplet loss works on the feature before it, the ID loss on the logits after it; retrieval uses
    the normalised feature.

    Args:
        dim: feature dimension D.
        num_classes: training identities C.
    """

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(dim)
        self.bn.bias.requires_grad_(False)  # the neck's shift stays 0: the hypersphere keeps its centre
        self.classifier = nn.Linear(dim, num_classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) → (B, D), normalised."""
        return self.bn(x)

    def logits(self, normalised: Tensor) -> Tensor:
        """(B, D) output of `forward` → (B, C) class logits."""
        return self.classifier(normalised)
